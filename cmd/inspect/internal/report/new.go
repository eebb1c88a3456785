package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// New returns the report of a fleet. addr is the address of Redis.
func New(addr string, f *fleet.Fleet) *Report {
	r := &Report{
		Schema: Schema, At: f.At.UTC(), Namespace: Clean(f.Namespace), Redis: Clean(addr), Epoch: Clean(f.Epoch), Grants: f.Grants,
		Version: f.Version, Live: f.Live, Server: serverOf(f.Redis), Buckets: []Bucket{}, Routes: []Route{}, Replicas: []Replica{}, Batches: []Batch{}, Warnings: []string{},
	}
	routes := map[string]*Route{}
	for i := range f.Replicas {
		v := &f.Replicas[i]
		r.Replicas = append(r.Replicas, replicaOf(v, f.At))
		r.Partial = r.Partial || v.State == fleet.Unknown || v.Omitted > 0 || v.Tasks != nil && v.Tasks.Omitted > 0
		if v.State == fleet.Lost {
			continue // its last record may be outdated
		}
		addRoutes(routes, v)
		if v.Tasks != nil {
			for _, b := range v.Tasks.Batches {
				r.Batches = append(r.Batches, Batch{Clean(b.ID), Clean(v.ID), b.Done, b.Total, b.Failed})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		r.Routes = append(r.Routes, *routes[name])
	}
	for _, b := range f.Buckets {
		r.Buckets = append(r.Buckets, bucketOf(b, f.Replicas, r.Routes))
	}
	for i := range r.Routes {
		r.Routes[i].addPauses(r.Buckets)
	}
	slices.SortFunc(r.Replicas, func(a, b Replica) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Batches, func(a, b Batch) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Replica, b.Replica))
	})
	r.Warnings = append(r.Warnings, r.warnings()...)
	return r
}

func bucketOf(b limiter.BucketSnapshot, replicas []fleet.Replica, routes []Route) Bucket {
	row := Bucket{
		Name: Clean(b.Bucket), Limit: inWords(b.Limit), Tokens: round(b.Tokens), Debt: round(b.Debt), Waiting: round(b.Waiting),
		Rate: b.Limit.Rate(), Burst: b.Limit.Burst, Window: b.Limit.Window, Set: b.Set, Shadowed: b.Shadowed, Paused: b.PausedFor > 0,
		Served: b.Served, Wishes: []Wish{}, Shares: []Share{},
	}
	if b.HeldBy != "" {
		by, since := Clean(b.HeldBy), b.HeldSince.UTC()
		row.HeldBy, row.HeldSince = &by, &since
	}
	if ms := b.PausedFor.Milliseconds(); row.Paused && b.PausedFor != limiter.UntilResumed {
		row.PausedMS = &ms
	}
	for _, w := range b.Wanted {
		words := make([]string, len(w.Limits))
		for i, l := range w.Limits {
			words[i] = l.String()
		}
		row.Wishes = append(row.Wishes, Wish{words, cleaned(w.Replicas)})
	}
	row.share(b.Bucket, replicas)
	for _, route := range routes {
		if slices.Contains(route.Buckets, row.Name) && route.Waiting > 0 {
			row.Calls += route.Waiting
			row.OldestMS = later(row.OldestMS, route.OldestMS)
		}
	}
	if row.Calls > 0 && row.UsedPerS != nil && *row.UsedPerS > 0 && (!row.Paused || row.PausedMS != nil) {
		eta := int64(float64(row.Calls) / *row.UsedPerS * 1000)
		if row.Paused { // no call starts before the pause ends
			eta += *row.PausedMS
		}
		row.EtaMS = &eta
	}
	row.State = row.state()
	return row
}

// addPauses adds the longest pause of the buckets of a route to the time until all of its calls have started.
func (r *Route) addPauses(buckets []Bucket) {
	longest := int64(0)
	for _, b := range buckets {
		switch {
		case !b.Paused || !slices.Contains(r.Buckets, b.Name):
		case b.PausedMS == nil: // until somebody resumes it
			r.EtaMS = nil
		default:
			longest = max(longest, *b.PausedMS)
		}
	}
	if r.EtaMS != nil && *r.EtaMS > 0 {
		eta := *r.EtaMS + longest
		r.EtaMS = &eta
	}
}

// share sets how much of a bucket each replica uses, and the totals.
func (b *Bucket) share(name string, replicas []fleet.Replica) {
	var used, refused float64
	known := false
	for _, v := range replicas {
		if v.State == fleet.Lost || v.Raw == nil {
			continue
		}
		known = true
		if u, ok := v.Buckets[name]; ok {
			used, refused = used+u.UsedS, refused+u.RefusedS
			b.Shares = append(b.Shares, Share{Clean(v.ID), u.Used, round(u.UsedS), u.Refused, u.Delayed})
		}
	}
	if known {
		used, refused = round(used), round(refused)
		b.UsedPerS, b.RefusedPerS = &used, &refused
	}
	slices.SortFunc(b.Shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.UsedPerS, a.UsedPerS), cmp.Compare(b.Used, a.Used), strings.Compare(a.Replica, b.Replica))
	})
}

func (b *Bucket) state() State {
	switch {
	case b.HeldBy != nil:
		return Held
	case b.Paused:
		return Paused
	case len(b.Wishes) > 0:
		return Disputed
	case b.Served > 0 && b.Served < 1:
		return Follows
	case b.Waiting > 0: // for this limit; Calls may wait for another bucket of their route, or for a slot
		return Waiting
	case b.UsedPerS != nil && *b.UsedPerS > 0.8*b.Rate:
		return Busy
	}
	return OK
}

// inWords returns a limit as a person reads it: its rate, or its tokens and period.
func inWords(l limiter.Limit) string {
	switch {
	case l.Window:
		return fmt.Sprintf("%d in any %s", l.Tokens, Span(l.Per))
	case l.Rate() < 0.1:
		return fmt.Sprintf("%d per %s", l.Tokens, Span(l.Per))
	}
	return strconv.FormatFloat(l.Rate(), 'g', 6, 64) + "/s"
}

// addRoutes adds the calls and tasks of a replica to their routes.
func addRoutes(routes map[string]*Route, v *fleet.Replica) {
	at := func(name string) *Route {
		name = Clean(name)
		if routes[name] == nil {
			routes[name] = &Route{Name: name, Buckets: []string{}}
		}
		return routes[name]
	}
	busy := map[string]bool{}
	for _, n := range v.Routes {
		r := at(n.Route)
		for _, b := range cleaned(n.Buckets) { // replicas may differ during a deployment
			if !slices.Contains(r.Buckets, b) {
				r.Buckets = append(r.Buckets, b)
			}
		}
		r.Waiting += n.Waiting
		r.Reserved += n.Reserved
		if n.Urgent {
			r.Urgent += n.Waiting
		} else {
			r.Normal += n.Waiting
		}
		if n.TurnMS != nil && (r.TurnMS == nil || *n.TurnMS < *r.TurnMS) {
			r.TurnMS = n.TurnMS
		}
		if n.Waiting > 0 {
			busy[n.Route] = true
			r.OldestMS = later(r.OldestMS, &n.OldestMS)
		}
	}
	if v.Tasks != nil {
		for _, n := range v.Tasks.Lanes {
			r, waiting := at(n.Route), n.Urgent+n.Normal+n.Background
			r.Waiting, r.Urgent, r.Normal, r.Background = r.Waiting+waiting, r.Urgent+n.Urgent, r.Normal+n.Normal, r.Background+n.Background
			r.InFlight += n.InFlight
			r.EtaMS = later(r.EtaMS, n.EtaMS)
			if n.ShutMS > 0 {
				r.Shut = Clean(n.Reason)
			}
			if waiting > 0 {
				busy[n.Route] = true
				r.OldestMS = later(r.OldestMS, &n.OldestMS)
			}
		}
	}
	for name := range busy {
		at(name).Replicas++
	}
}

// later returns the larger of two numbers; nil is unknown.
func later(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func replicaOf(v *fleet.Replica, now time.Time) Replica {
	row := Replica{ID: Clean(v.ID), State: string(v.State), HeartbeatAgeMS: v.Age.Milliseconds()}
	if v.Raw == nil {
		return row
	}
	row.Host, row.PID, row.Version, row.Record = Clean(v.Host), v.PID, Clean(v.Build), cleanJSON(v.Raw)
	if v.Server != nil {
		row.Addr = Clean(v.Server.Addr)
		row.Version = cmp.Or(Clean(v.Server.Version), row.Version)
	}
	n, oldest := v.Pending()
	up, oldestMS := max(0, now.Sub(v.Started).Milliseconds()), oldest.Milliseconds()
	row.Pending, row.OldestMS, row.UpMS, row.RedisCalls, row.AwayMS = &n, &oldestMS, &up, &v.Calls, &v.AwayMS
	if ago := v.AwayAgoMS + row.HeartbeatAgeMS; v.AwayMS > 0 {
		row.AwayAgoMS = &ago
	}
	if t := v.Tasks; t != nil {
		row.Slots, row.InFlight, row.Done, row.Failed = &t.Slots, &t.InFlight, &t.Done, &t.Failed
	}
	return row
}

func serverOf(facts fleet.Redis) (s Server) {
	text := func(name string) *string {
		v, ok := facts[name]
		if !ok {
			return nil
		}
		v = Clean(v)
		return &v
	}
	number := func(name string) *int64 {
		n, err := strconv.ParseInt(facts[name], 10, 64)
		if err != nil {
			return nil
		}
		return &n
	}
	s = Server{
		Version: text("redis_version"), Role: text("role"), UptimeS: number("uptime_in_seconds"), UsedMemory: number("used_memory"),
		MaxMemory: number("maxmemory"), Policy: text("maxmemory_policy"), EvictedKeys: number("evicted_keys"), Clients: number("connected_clients"),
		OpsPerS: number("instantaneous_ops_per_sec"), Replicas: number("connected_slaves"), GoodEnough: number("min_slaves_good_slaves"),
	}
	if n := number("aof_enabled"); n != nil {
		on := *n == 1
		s.AOF = &on
	}
	return s
}

func round(tokens float64) float64 { return float64(int64(tokens*100+0.5)) / 100 }
