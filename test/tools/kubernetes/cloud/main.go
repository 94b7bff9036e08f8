// Program cloud is a cloud of our own beside a test's API server: upstream's service controller, as
// every cloud-controller-manager has it, over balancers that this process makes itself. Which
// Services it serves, its finalizer, its patches and its retries are upstream's; what an address
// looks like and what was asked of the cloud is ours (cloud.go), and so is the traffic (forward.go).
//
//	cloud --kubeconfig=FILE --listen=127.0.0.1:0 --addresses=192.0.2.0/28 [--forward]
//
// Its first line on stdout is the address that it listens at for the test (control.go).
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/featuregate"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
	"k8s.io/klog/v2"
)

// workers are so many Services at once, as a cloud-controller-manager's --concurrent-service-syncs
// is often set; its default of 1 would make the tests wait for each other.
const workers = 4

// resyncPeriod is kube-controller-manager's; the controller asks for 30 s of it, which takes one.
const resyncPeriod = 12 * time.Hour

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	listen := flag.String("listen", "127.0.0.1:0", "where the test asks and orders")
	addresses := flag.String("addresses", "192.0.2.0/28", "what balancers get their addresses from")
	isForwarding := flag.Bool("forward", false,
		"balancers listen at their addresses, which this machine must have, and forward to NodePorts")
	klog.InitFlags(nil)
	flag.Parse()

	prefix, err := netip.ParsePrefix(*addresses)
	if err != nil {
		klog.Exitf("--addresses: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *listen, newCloud(prefix, *isForwarding)); err != nil {
		klog.Exit(err)
	}
}

func run(ctx context.Context, kubeconfig, listen string, cloud *Cloud) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// Those of kube-controller-manager and cloud-controller-manager.
	config.QPS, config.Burst = 20, 30
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, resyncPeriod)
	controller, err := service.New(cloud, client, factory.Core().V1().Services(),
		factory.Core().V1().Nodes(), "test", featuregate.NewFeatureGate())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	go func() { klog.Exit(http.Serve(listener, cloud.control())) }()
	fmt.Println(listener.Addr())
	factory.Start(ctx.Done())
	controller.Run(ctx, workers, controllersmetrics.NewControllerManagerMetrics("cloud"))
	return nil
}
