package limiter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Bucket is a bucket of a route that is made at run time: a configured bucket, by its name alone, or a new one, with
// its limits.
type Bucket struct {
	Name   string
	Limits []Limit
}

// ownBucket is a bucket that was made at run time.
type ownBucket struct {
	limits []bound
	routes int // routes that pass the bucket: with the last of them it is forgotten
}

// AddRoute makes a route at run time, for tenants that are not known before. path is its buckets, narrowest first,
// ending in the bucket that all share. A Bucket with Limits is made if it does not exist with the same limits, and
// begins as [Limit.Begin] says. The fleet shares buckets by name. Redis forgets a bucket made at run time when it is
// full, so there may be many.
//
// Making a route again with the same buckets and limits changes nothing. With other buckets or limits it replaces the
// route at once: waiting callers wait by the new limits, and are charged to these. Other limits for a bucket that a
// second route passes are refused: the two routes would count by different limits in one bucket. If replicas give one
// bucket different limits, each call counts by the limits of its own replica. A configured route or bucket cannot be
// replaced.
//
// An error says what is wrong with the route; then nothing has changed. After [Limiter.Close] the error is [ErrClosed].
// A route takes some 300 bytes in the process until [Limiter.RemoveRoute]. Its first call takes more, which is freed
// about a minute after its last call. AddRoute is safe for concurrent use.
func (l *Limiter) AddRoute(name string, path ...Bucket) error {
	if _, ok := l.s.paths[name]; ok {
		return fmt.Errorf("limiter: route %s is configured", name)
	}
	names, made, err := l.made(name, path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if err := l.checkRouteLocked(name, names, made); err != nil {
		return err
	}
	if slices.Equal(l.paths[name], names) && l.knownLocked(made) {
		return nil
	}
	for _, bucket := range names {
		own, ok := l.own[bucket]
		if made[bucket] != nil {
			own.limits, ok = made[bucket], true
		}
		if ok {
			own.routes++
			l.own[bucket] = own
		}
	}
	l.leaveBucketsLocked(l.paths[name])
	l.paths[name] = names
	l.addRouteLocked(name)
	return nil
}

// made returns the names of the buckets of a path, and the limits of those that the path makes.
func (l *Limiter) made(route string, path []Bucket) (names []string, made map[string][]bound, err error) {
	names, made = make([]string, len(path)), map[string][]bound{}
	for i, b := range path {
		names[i] = b.Name
		if len(b.Limits) == 0 {
			continue
		}
		if _, ok := l.s.Buckets[b.Name]; ok {
			return nil, nil, fmt.Errorf("limiter: route %s: bucket %s is configured: name it without limits", route, b.Name)
		}
		limits, err := normalBucket(b.Name, b.Limits, l.s.Horizon)
		if err != nil {
			return nil, nil, err
		}
		for i := range limits {
			limits[i].own = true
		}
		made[b.Name] = limits
	}
	return names, made, nil
}

// checkRouteLocked returns an error if a route cannot consist of these buckets, of which the route makes some.
func (l *Limiter) checkRouteLocked(name string, names []string, made map[string][]bound) error {
	count := func(bucket string) int {
		if limits := made[bucket]; limits != nil {
			return len(limits)
		}
		return len(l.own[bucket].limits) + len(l.s.Buckets[bucket]) // one of the two is empty
	}
	if err := checkPath(name, names, func(bucket string) bool { return count(bucket) > 0 }); err != nil {
		return err
	}
	limits := 0
	for _, bucket := range names {
		limits += count(bucket)
	}
	if limits > maxLimits {
		return fmt.Errorf("limiter: route %s: %d limits: want %d or fewer", name, limits, maxLimits)
	}
	for _, bucket := range names {
		own, others := l.own[bucket], l.own[bucket].routes
		if slices.Contains(l.paths[name], bucket) {
			others--
		}
		if made[bucket] != nil && others > 0 && !slices.Equal(own.limits, made[bucket]) {
			return fmt.Errorf("limiter: bucket %s: route %s gives it the limits %s, and route %s gives it %s: one bucket has one set of limits",
				bucket, name, limitsText(made[bucket]), l.otherRouteLocked(name, bucket), limitsText(own.limits))
		}
	}
	return nil
}

// otherRouteLocked returns another route that passes a bucket, the first by name. It walks all routes, so it is only
// for errors.
func (l *Limiter) otherRouteLocked(name, bucket string) string {
	first := ""
	for other, path := range l.paths {
		if other != name && slices.Contains(path, bucket) && (first == "" || other < first) {
			first = other
		}
	}
	return first
}

func limitsText(limits []bound) string {
	texts := make([]string, len(limits))
	for i, b := range limits {
		texts[i] = b.limit.String()
		if b.limit.Begin == Empty {
			texts[i] += ", empty at first"
		}
	}
	return "(" + strings.Join(texts, "; ") + ")"
}

// knownLocked reports whether the buckets that a route makes exist already, with the same limits.
func (l *Limiter) knownLocked(made map[string][]bound) bool {
	for bucket, limits := range made {
		if !slices.Equal(l.own[bucket].limits, limits) {
			return false
		}
	}
	return true
}

// leaveBucketsLocked notes that a route no longer passes the buckets of a path.
func (l *Limiter) leaveBucketsLocked(path []string) {
	for _, bucket := range path {
		own, ok := l.own[bucket]
		if !ok {
			continue // is configured
		}
		if own.routes--; own.routes > 0 {
			l.own[bucket] = own
		} else {
			delete(l.own, bucket)
		}
	}
}

// RemoveRoute ends a route that was made by [Limiter.AddRoute]. Its waiting callers get a [RouteError], and this
// process forgets its buckets unless another route passes them. RemoveRoute takes the same time however many routes
// there are. For an unknown route the error is a [RouteError]. RemoveRoute is safe for concurrent use.
func (l *Limiter) RemoveRoute(name string) error {
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
	l.leaveBucketsLocked(path)
	var ended []*lane.Lane
	for key := range lanesOf(name) {
		if n := l.lanes[key]; n != nil {
			ended = append(ended, n)
			delete(l.lanes, key)
		}
	}
	l.mu.Unlock()
	for _, n := range ended {
		n.Close(&RouteError{Route: name})
	}
	l.estimates.forget(name)
	l.mu.Lock()
	l.ended = append(l.ended, ended...)
	l.mu.Unlock()
	return nil
}
