package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	servicehelper "k8s.io/cloud-provider/service/helpers"
)

// proxyHealthPort is where the proxy of a node says whether the node may have traffic (KEP-3836).
const proxyHealthPort = 10256

// probeInterval is short, that a test need not wait.
const probeInterval = 200 * time.Millisecond

// forwarder is the traffic of one balancer: it accepts TCP at the balancer's address and the ports
// of the Service, and joins each connection with one to the NodePort of a healthy node, in turn.
// Healthy is a node that says so: at the health check node port for externalTrafficPolicy Local, at
// the proxy's port otherwise.
type forwarder struct {
	address netip.Addr
	stop    chan struct{}

	mu        sync.Mutex
	listeners map[int32]net.Listener
	nodePorts map[int32]int32
	// targets are the InternalIPs of nodes by name
	targets    map[string]string
	healthPort int32
	isHealthy  map[string]bool
	turn       int
	// connections were joined with a node's
	connections int
}

func newForwarder(address netip.Addr) *forwarder {
	made := &forwarder{address: address, stop: make(chan struct{}), listeners: map[int32]net.Listener{}}
	go made.probe()
	return made
}

// serve takes the place of what was served before; established connections go on.
func (f *forwarder) serve(service *v1.Service, nodes []*v1.Node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodePorts, f.targets, f.healthPort = map[int32]int32{}, map[string]string{}, proxyHealthPort
	if _, port := servicehelper.GetServiceHealthCheckPathPort(service); port != 0 {
		f.healthPort = port
	}
	for _, node := range nodes {
		for _, each := range node.Status.Addresses {
			if each.Type == v1.NodeInternalIP {
				f.targets[node.Name] = each.Address
				break
			}
		}
	}
	for _, port := range service.Spec.Ports {
		if port.Protocol == v1.ProtocolTCP && port.NodePort != 0 {
			f.nodePorts[port.Port] = port.NodePort
		}
	}
	for port, listener := range f.listeners {
		if _, isWanted := f.nodePorts[port]; !isWanted {
			listener.Close()
			delete(f.listeners, port)
		}
	}
	for port := range f.nodePorts {
		if f.listeners[port] != nil {
			continue
		}
		listener, err := net.Listen("tcp", netip.AddrPortFrom(f.address, uint16(port)).String())
		if err != nil {
			return fmt.Errorf("the balancer cannot listen: %w", err)
		}
		f.listeners[port] = listener
		go f.accept(listener, port)
	}
	return nil
}

func (f *forwarder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.stop)
	for _, listener := range f.listeners {
		listener.Close()
	}
}

func (f *forwarder) healthy() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.healthyNow()
}

// healthyNow is for who has the lock; by name.
func (f *forwarder) healthyNow() []string {
	names := []string{}
	for name := range f.targets {
		if f.isHealthy[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *forwarder) joined() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connections
}

func (f *forwarder) accept(listener net.Listener, port int32) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go f.join(connection.(*net.TCPConn), port)
	}
}

// join ends when both sides have ended; without a healthy node it ends at once, as a refusal.
func (f *forwarder) join(client *net.TCPConn, port int32) {
	defer client.Close()
	target := f.next(port)
	if target == "" {
		return
	}
	connection, err := net.DialTimeout("tcp", target, 20*time.Second)
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	f.mu.Lock()
	f.connections++
	f.mu.Unlock()
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
		close(done)
	}()
	_, _ = io.Copy(client, server)
	_ = client.CloseWrite()
	<-done
}

// next is `address:nodePort` of the node whose turn it is.
func (f *forwarder) next(port int32) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := f.healthyNow()
	if len(names) == 0 {
		return ""
	}
	f.turn++
	address := f.targets[names[f.turn%len(names)]]
	return net.JoinHostPort(address, strconv.Itoa(int(f.nodePorts[port])))
}

func (f *forwarder) probe() {
	client := &http.Client{Timeout: 10 * time.Second}
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		f.mu.Lock()
		targets, port := f.targets, strconv.Itoa(int(f.healthPort))
		f.mu.Unlock()
		found := map[string]bool{}
		for name, address := range targets {
			response, err := client.Get("http://" + net.JoinHostPort(address, port) + "/healthz")
			if err != nil {
				continue
			}
			response.Body.Close()
			found[name] = response.StatusCode == http.StatusOK
		}
		f.mu.Lock()
		f.isHealthy = found
		f.mu.Unlock()
		select {
		case <-f.stop:
			return
		case <-ticker.C:
		}
	}
}
