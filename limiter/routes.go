package limiter

import (
	"fmt"
	"maps"
	"slices"
)

// Bucket is a bucket of a route that is made at run time: one that is configured, by its name alone, or a new one, with
// its limits.
type Bucket struct {
	Name   string
	Limits []Limit
}

// Route makes a route at run time, for tenants that are not known before: its buckets, narrowest first, ending in the one
// all share. Buckets with limits are made here, unless they are there with the same limits, and begin full; the fleet
// shares them by name, and Redis forgets them when they are full, so that there may be many. Making a route again
// replaces it. Replicas that give one bucket different limits are not reconciled: each call counts by its own.
//
// A configured route or bucket cannot be replaced.
func (l *Limiter) Route(name string, path ...Bucket) error {
	made := map[string][]bound{}
	names := make([]string, len(path))
	for i, b := range path {
		names[i] = b.Name
		if len(b.Limits) == 0 {
			continue
		}
		if _, ok := l.s.Buckets[b.Name]; ok {
			return fmt.Errorf("limiter: route %s: bucket %s is configured: name it without limits", name, b.Name)
		}
		limits, err := normalBucket(b.Name, b.Limits, l.s.Horizon)
		if err != nil {
			return err
		}
		for i := range limits {
			limits[i].own = true
		}
		made[b.Name] = limits
	}
	if _, ok := l.s.paths[name]; ok {
		return fmt.Errorf("limiter: route %s is configured", name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	err := checkPath(name, names, func(b string) bool { return made[b] != nil || l.own[b] != nil || l.s.Buckets[b] != nil })
	if err != nil {
		return err
	}
	limits := 0
	for _, b := range names {
		limits += len(made[b]) + len(l.own[b]) + len(l.s.Buckets[b])
	}
	if limits > maxLimits {
		return fmt.Errorf("limiter: route %s: %d limits: want %d or fewer", name, limits, maxLimits)
	}
	maps.Copy(l.own, made)
	l.paths[name] = names
	l.addRouteLocked(name)
	return nil
}

// Forget ends a route that was made by [Limiter.Route]: who waits on it gets a [RouteError], and its buckets are
// forgotten here unless another route passes them.
func (l *Limiter) Forget(name string) error {
	if _, ok := l.s.paths[name]; ok {
		return fmt.Errorf("limiter: route %s is configured", name)
	}
	l.mu.Lock()
	path, ok := l.paths[name]
	if !ok {
		l.mu.Unlock()
		return &RouteError{Route: name}
	}
	delete(l.paths, name)
	delete(l.labels, name)
	for _, bucket := range path {
		used := false
		for _, other := range l.paths {
			used = used || slices.Contains(other, bucket)
		}
		if !used {
			delete(l.own, bucket)
		}
	}
	var ended []*lane
	for _, urgent := range []bool{false, true} {
		if n := l.lanes[laneKey{name, urgent}]; n != nil {
			ended = append(ended, n)
			delete(l.lanes, laneKey{name, urgent})
		}
	}
	l.mu.Unlock()
	for _, n := range ended {
		n.close(&RouteError{Route: name})
	}
	return nil
}
