package transport

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/weir-go/weir/limiter"
)

// Checker is a [Waiter] that knows which routes exist: Check returns an error for a call that can never start.
// *limiter.Limiter implements it.
type Checker interface {
	Check(route string, n int64, opts ...limiter.Option) error
}

// Routes sets on which route a request pays. The first of Of, Hosts and Other that has a route counts.
type Routes struct {
	// Of returns the route of a request, "" for none. It must not touch the body of the request and must be safe for
	// concurrent use. A nil Of has no routes.
	Of func(*http.Request) string
	// Names are the routes that Of returns in addition to the routes of Hosts and Other. Zero is none.
	Names []string
	// AtRunTime lets Of return other routes too, for routes of limiter.AddRoute: they are checked when the request
	// comes. Zero refuses a request for which Of returns such a route.
	AtRunTime bool
	// Hosts has the routes by the host of the request's URL, the most exact first: "localhost:8080", "api.example.com",
	// and "*.example.com" for all hosts below. Zero is none.
	Hosts map[string]string
	// Other is the route of all other requests. Zero refuses them, with [ErrNoRoute].
	Other string
}

// ErrNoRoute reports a request for which no field of [Routes] has a route. Nothing was sent.
var ErrNoRoute = errors.New("no route for the request")

// router is Routes, ready for use.
type router struct {
	Routes

	known map[string]bool
	twice string // a host that has two routes, in different case; "" for none
}

// router returns the routes, ready for use.
func (r Routes) router() router {
	out := router{Routes: r, known: map[string]bool{}}
	out.Hosts = make(map[string]string, len(r.Hosts))
	for host, route := range r.Hosts {
		host = plainHost(host)
		if other, ok := out.Hosts[host]; ok && other != route {
			out.twice = host
		}
		out.Hosts[host] = route
	}
	for _, route := range slices.Concat(r.Names, slices.Collect(maps.Values(r.Hosts)), []string{r.Other}) {
		if route != "" {
			out.known[route] = true
		}
	}
	return out
}

// check returns an error if the routes are wrong, or if w does not know them or the buckets of [Quotas].
func (r *router) check(w Waiter, quotas map[string]string) error {
	for _, host := range slices.Sorted(maps.Keys(r.Hosts)) {
		switch {
		case host == "" || strings.ContainsAny(host, "/ \t@?#") || strings.Contains(strings.TrimPrefix(host, "*."), "*"):
			return fmt.Errorf("transport: host %q: want a name such as api.example.com, *.example.com or localhost:8080", host)
		case r.Hosts[host] == "":
			return fmt.Errorf("transport: host %q has no route", host)
		}
	}
	switch {
	case r.twice != "":
		return fmt.Errorf("transport: host %q has two routes", r.twice)
	case len(r.known) == 0 && !r.AtRunTime:
		return errors.New("transport: no route: want Hosts, Other, or Of with the Names of its routes")
	case r.Of == nil && (r.AtRunTime || len(r.Names) > 0):
		return errors.New("transport: Names or AtRunTime without Of, which would return them")
	}
	c, ok := w.(Checker)
	if !ok {
		return nil
	}
	routes := slices.Sorted(maps.Keys(r.known))
	for _, route := range routes {
		// With a closed limiter each request returns an error of its own.
		if err := c.Check(route, 1); err != nil && !errors.Is(err, limiter.ErrClosed) {
			return fmt.Errorf("transport: route %q: %w", route, err)
		}
	}
	for _, quota := range slices.Sorted(maps.Keys(quotas)) {
		bucket := quotas[quota]
		passes := func(route string) bool {
			_, foreign := errors.AsType[*limiter.BucketError](c.Check(route, 1, limiter.Costs{bucket: 1}))
			return !foreign
		}
		if bucket != "" && len(routes) > 0 && !slices.ContainsFunc(routes, passes) {
			return fmt.Errorf("transport: quota %q: no route of %s passes bucket %q", quota, strings.Join(routes, ", "), bucket)
		}
	}
	return nil
}

// of returns the route of a request.
func (r *router) of(req *http.Request) (string, error) {
	if r.Of != nil {
		switch route := r.Of(req); {
		case route == "":
		case r.AtRunTime || r.known[route]:
			return route, nil
		default:
			return "", fmt.Errorf("transport: route %q, which Of returned and Names does not name: %w", route, ErrNoRoute)
		}
	}
	if len(r.Hosts) > 0 && req.URL != nil {
		if route := r.byHost(req.URL.Host); route != "" {
			return route, nil
		}
	}
	if r.Other != "" {
		return r.Other, nil
	}
	host := ""
	if req.URL != nil {
		host = req.URL.Host
	}
	return "", fmt.Errorf("transport: host %q: %w", host, ErrNoRoute)
}

// byHost returns the route of a host: first with its port, then without, then of the domains above it, the nearest
// first.
func (r *router) byHost(host string) string {
	host = plainHost(host)
	if route := r.Hosts[host]; route != "" {
		return route
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = plainHost(name)
	}
	if route := r.Hosts[host]; route != "" {
		return route
	}
	for {
		_, above, ok := strings.Cut(host, ".")
		if !ok {
			return ""
		}
		if route := r.Hosts["*."+above]; route != "" {
			return route
		}
		host = above
	}
}

// plainHost returns a host in the form in which hosts are compared: in lower case, without the dot of the root and
// without the brackets of an address that has no port.
func plainHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return host
}
