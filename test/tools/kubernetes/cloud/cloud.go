package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// What a Service may say, as clouds have annotations of their own.
const (
	// ipModeAnnotation is `VIP` or `Proxy`; without it the status has no ipMode, as older clouds do.
	ipModeAnnotation = "cloud.example/ip-mode"
	// hostNameAnnotation is the name that the balancer has in place of an address.
	hostNameAnnotation = "cloud.example/host-name"
)

// Record is one thing that upstream's controller asked of the cloud.
type Record struct {
	// Operation is `ensure`, `update` (of nodes alone) or `delete`.
	Operation string   `json:"operation"`
	Service   string   `json:"service"`
	Nodes     []string `json:"nodes"`
}

// Cloud implements cloudprovider.Interface, with load balancers and nothing else, and
// cloudprovider.LoadBalancer.
type Cloud struct {
	prefix       netip.Prefix
	isForwarding bool

	mu        sync.Mutex
	balancers map[string]*balancer
	records   []Record
	// held is closed when operations may go on; nil while they need not wait
	held chan struct{}
	// waiting are so many of each: `ensure default/web`
	waiting map[string]int
}

// balancer is what the cloud made for one Service; its key is `namespace/name`.
type balancer struct {
	address   netip.Addr
	status    v1.LoadBalancerStatus
	service   *v1.Service
	nodes     []*v1.Node
	forwarder *forwarder
}

func newCloud(prefix netip.Prefix, isForwarding bool) *Cloud {
	return &Cloud{prefix: prefix.Masked(), isForwarding: isForwarding, balancers: map[string]*balancer{}, waiting: map[string]int{}}
}

func (c *Cloud) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}
func (c *Cloud) LoadBalancer() (cloudprovider.LoadBalancer, bool)                  { return c, true }
func (c *Cloud) Instances() (cloudprovider.Instances, bool)                        { return nil, false }
func (c *Cloud) InstancesV2() (cloudprovider.InstancesV2, bool)                    { return nil, false }
func (c *Cloud) Zones() (cloudprovider.Zones, bool)                                { return nil, false }
func (c *Cloud) Clusters() (cloudprovider.Clusters, bool)                          { return nil, false }
func (c *Cloud) Routes() (cloudprovider.Routes, bool)                              { return nil, false }
func (c *Cloud) ProviderName() string                                              { return "example" }
func (c *Cloud) HasClusterID() bool                                                { return true }

func (c *Cloud) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

func (c *Cloud) GetLoadBalancer(_ context.Context, _ string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, exists := c.balancers[keyOf(service)]
	if !exists {
		return nil, false, nil
	}
	return found.status.DeepCopy(), true, nil
}

func (c *Cloud) EnsureLoadBalancer(_ context.Context, _ string, service *v1.Service, nodes []*v1.Node) (*v1.LoadBalancerStatus, error) {
	c.waitWhileHeld("ensure", service)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record("ensure", service, nodes)
	made, exists := c.balancers[keyOf(service)]
	if !exists {
		address, err := c.free()
		if err != nil {
			return nil, err
		}
		made = &balancer{address: address}
		c.balancers[keyOf(service)] = made
	}
	made.service, made.nodes = service.DeepCopy(), nodes
	made.status = statusOf(made.address, service)
	return made.status.DeepCopy(), c.forward(made)
}

func (c *Cloud) UpdateLoadBalancer(_ context.Context, _ string, service *v1.Service, nodes []*v1.Node) error {
	c.waitWhileHeld("update", service)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record("update", service, nodes)
	found, exists := c.balancers[keyOf(service)]
	if !exists {
		return fmt.Errorf("%s has no balancer", keyOf(service))
	}
	found.nodes = nodes
	return c.forward(found)
}

func (c *Cloud) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *v1.Service) error {
	c.waitWhileHeld("delete", service)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record("delete", service, nil)
	found, exists := c.balancers[keyOf(service)]
	if !exists {
		return nil
	}
	if found.forwarder != nil {
		found.forwarder.close()
	}
	delete(c.balancers, keyOf(service))
	return nil
}

func (c *Cloud) record(operation string, service *v1.Service, nodes []*v1.Node) {
	names := []string{}
	for _, node := range nodes {
		names = append(names, node.Name)
	}
	slices.Sort(names)
	c.records = append(c.records, Record{Operation: operation, Service: keyOf(service), Nodes: names})
}

// free is the lowest address that no balancer has.
func (c *Cloud) free() (netip.Addr, error) {
	taken := map[netip.Addr]bool{}
	for _, each := range c.balancers {
		taken[each.address] = true
	}
	for address := c.prefix.Addr(); c.prefix.Contains(address); address = address.Next() {
		if !taken[address] {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the cloud has no free address in %s", c.prefix)
}

func (c *Cloud) waitWhileHeld(operation string, service *v1.Service) {
	what := operation + " " + keyOf(service)
	c.mu.Lock()
	held := c.held
	if held == nil {
		c.mu.Unlock()
		return
	}
	c.waiting[what]++
	c.mu.Unlock()
	<-held
	c.mu.Lock()
	c.waiting[what]--
	c.mu.Unlock()
}

func (c *Cloud) forward(of *balancer) error {
	if !c.isForwarding {
		return nil
	}
	if of.forwarder == nil {
		of.forwarder = newForwarder(of.address)
	}
	return of.forwarder.serve(of.service, of.nodes)
}

func statusOf(address netip.Addr, service *v1.Service) v1.LoadBalancerStatus {
	ingress := v1.LoadBalancerIngress{IP: address.String()}
	if name := service.Annotations[hostNameAnnotation]; name != "" {
		ingress = v1.LoadBalancerIngress{Hostname: name}
	} else if mode := v1.LoadBalancerIPMode(service.Annotations[ipModeAnnotation]); mode != "" {
		ingress.IPMode = &mode
	}
	return v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{ingress}}
}

func keyOf(service *v1.Service) string { return service.Namespace + "/" + service.Name }
