package main

import (
	"encoding/json"
	"net/http"
	"slices"
)

// control is what a test asks and orders:
//
//	GET /records        what was asked of the cloud so far, in order
//	GET /balancers      by Service: its address, its nodes, and which of them are healthy
//	GET /waiting        the operations that wait: `ensure default/web`
//	POST /hold, /go-on  operations wait, as in a cloud that takes its time; and go on
func (c *Cloud) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /records", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		records := append([]Record{}, c.records...)
		c.mu.Unlock()
		answer(w, records)
	})
	mux.HandleFunc("GET /balancers", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, c.described())
	})
	mux.HandleFunc("GET /waiting", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		waiting := []string{}
		for what, count := range c.waiting {
			if count > 0 {
				waiting = append(waiting, what)
			}
		}
		c.mu.Unlock()
		answer(w, waiting)
	})
	mux.HandleFunc("POST /hold", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		if c.held == nil {
			c.held = make(chan struct{})
		}
		c.mu.Unlock()
		answer(w, true)
	})
	mux.HandleFunc("POST /go-on", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		if c.held != nil {
			close(c.held)
			c.held = nil
		}
		c.mu.Unlock()
		answer(w, true)
	})
	return mux
}

type description struct {
	Address string   `json:"address"`
	Nodes   []string `json:"nodes"`
	// Healthy are the nodes that traffic goes to, where the cloud forwards it.
	Healthy []string `json:"healthy"`
	// Connections were joined with a node's so far.
	Connections int `json:"connections"`
}

func (c *Cloud) described() map[string]description {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]description{}
	for key, each := range c.balancers {
		said := description{Address: each.address.String(), Nodes: []string{}, Healthy: []string{}}
		for _, node := range each.nodes {
			said.Nodes = append(said.Nodes, node.Name)
		}
		if each.forwarder != nil {
			said.Healthy = each.forwarder.healthy()
			said.Connections = each.forwarder.joined()
		}
		slices.Sort(said.Nodes)
		all[key] = said
	}
	return all
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
