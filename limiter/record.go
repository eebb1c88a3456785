package limiter

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// RecordVersion is the form of a [Record]. Fields are added within a version; a reader ignores unknown fields.
const RecordVersion = 1

// Record is what a limiter on Redis publishes of its replica, as JSON of at most 8 KiB. Package worker/fleet reads the
// records of a fleet. Durations are milliseconds; ages count from the moment of the record.
type Record struct {
	Version int       `json:"v"` // of the form
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Build   string    `json:"build"`   // version of the program
	Started time.Time `json:"started"` // of the limiter, on its own clock
	EveryMS int64     `json:"every_ms"`
	Calls   int64     `json:"calls"` // to Redis, for reservations
	Live    int       `json:"live"`  // replicas that it knows, including itself

	AwayMS    int64 `json:"away_ms,omitempty"`     // for how long Redis was away in all outages together, as this replica saw it
	AwayAgoMS int64 `json:"away_ago_ms,omitempty"` // how long ago the last outage ended

	Waiting  int   `json:"waiting"`   // calls that wait, of all routes
	OldestMS int64 `json:"oldest_ms"` // how long the first of these calls has waited

	Routes  []RouteRecord           `json:"routes"`            // at most 64: those with the oldest waiting calls first, then configured ones, by name
	Buckets map[string]BucketRecord `json:"buckets"`           // at most 64 of the used ones: the busiest
	Wants   map[string]string       `json:"wants"`             // the limits that it is configured with, by bucket; at most 64
	Omitted int                     `json:"omitted,omitempty"` // number of routes, buckets and sections that are left out

	Sections map[string]json.RawMessage `json:"sections,omitempty"` // see [Limiter.Section]
}

// RouteRecord is the state of a route in one replica.
type RouteRecord struct {
	Route    string   `json:"route"`
	Urgent   bool     `json:"urgent,omitempty"` // of the urgent callers
	Buckets  []string `json:"buckets"`          // that it passes, narrowest first
	Waiting  int      `json:"waiting,omitempty"`
	OldestMS int64    `json:"oldest_ms,omitempty"`
	TurnMS   *int64   `json:"turn_ms,omitempty"`  // until its next call is expected to start
	Reserved int      `json:"reserved,omitempty"` // calls that have a reservation which is not due yet
}

// BucketRecord is what a replica has used of a bucket. Rates are over the last ten seconds.
type BucketRecord struct {
	Used     int64   `json:"used"`                // tokens of calls that could start; it grows, except when calls turn out to cost less
	UsedS    float64 `json:"used_s"`              // a second
	Refused  int64   `json:"refused,omitempty"`   // calls that the provider refused, as reported
	RefusedS float64 `json:"refused_s,omitempty"` // a second
	Lost     int64   `json:"lost,omitempty"`      // reserved tokens that nobody could use in time
	Delayed  int64   `json:"delayed,omitempty"`   // calls that started in shadow mode and that the bucket would have delayed
}

const (
	// maxRecord bounds a record in bytes, and mostRecorded bounds the entries of each kind.
	maxRecord    = 8 << 10
	mostRecorded = 64
	// maxSections bounds the sections of a record, in bytes: 2 KiB remain for the limiter's own part.
	maxSections = 6 << 10
)

// usage is what a replica had used of its buckets at some moments of the last ten seconds, oldest first.
type usage struct {
	at   []time.Time
	used []map[string]BucketRecord
}

// take notes what is used now. It returns that with the rates since the oldest moment.
func (u *usage) take(now time.Time, t *tallies) map[string]BucketRecord {
	current := map[string]BucketRecord{}
	for name, c := range t.of {
		b := BucketRecord{Used: c.Used(), Refused: c.Refused.Load(), Lost: c.Lost.Load(), Delayed: c.Delayed.Load()}
		if b != (BucketRecord{}) {
			current[name] = b
		}
	}
	for len(u.at) > 0 && now.Sub(u.at[0]) > sampleEvery+time.Second {
		u.at, u.used = u.at[1:], u.used[1:]
	}
	out := maps.Clone(current)
	if len(u.at) > 0 {
		if passed := now.Sub(u.at[0]).Seconds(); passed > 0 {
			for name, b := range out {
				b.UsedS = rounded(max(0, float64(b.Used-u.used[0][name].Used)/passed)) // it falls when calls turn out to cost less
				b.RefusedS = rounded(float64(b.Refused-u.used[0][name].Refused) / passed)
				out[name] = b
			}
		}
	}
	u.at, u.used = append(u.at, now), append(u.used, current)
	return out
}

func rounded(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }

// record returns the record of this moment, without what only the publisher knows.
func (l *Limiter) record(now time.Time) Record {
	l.mu.RLock()
	lanes := slices.Collect(maps.Values(l.lanes))
	live, away, returned := l.conf.live, l.awayFor, l.returned
	l.mu.RUnlock()
	host, build := itself()
	r := Record{
		Version: RecordVersion, ID: l.s.Replica, Host: host, PID: os.Getpid(), Build: build, Started: l.started(),
		Calls: l.StoreCalls(), Live: live, Routes: []RouteRecord{}, Wants: map[string]string{},
	}
	if away > 0 {
		r.AwayMS, r.AwayAgoMS = away.Milliseconds(), max(1, now.Sub(returned).Milliseconds()/10_000*10_000)
	}
	shown := map[string]bool{}
	for _, n := range lanes {
		if passedOf(n.Route()).judges {
			continue
		}
		s := n.Standing()
		if s == (lane.Standing{}) {
			continue
		}
		route, buckets := n.Route().Name, []string{}
		for _, limit := range n.Route().Limits {
			if !slices.Contains(buckets, limit.Bucket) {
				buckets = append(buckets, limit.Bucket)
			}
		}
		buckets = append(buckets, n.Route().Beside...)
		out := RouteRecord{Route: route, Urgent: n.Urgent, Buckets: buckets, Waiting: s.Calls, Reserved: s.Reserved}
		if !s.Oldest.IsZero() {
			out.OldestMS = max(0, now.Sub(s.Oldest).Milliseconds())
		}
		if !s.Turn.IsZero() {
			turn := max(0, s.Turn.Sub(now).Milliseconds())
			out.TurnMS = &turn
		}
		r.Waiting += s.Calls
		r.OldestMS = max(r.OldestMS, out.OldestMS)
		r.Routes = append(r.Routes, out)
		shown[route] = shown[route] || !n.Urgent
	}
	for route, buckets := range l.s.paths { // routes without waiting calls; those made at run time may be many
		if !shown[route] {
			r.Routes = append(r.Routes, RouteRecord{Route: route, Buckets: buckets})
		}
	}
	slices.SortFunc(r.Routes, func(a, b RouteRecord) int {
		return cmp.Or(-cmp.Compare(a.OldestMS, b.OldestMS), -cmp.Compare(a.Waiting, b.Waiting), strings.Compare(a.Route, b.Route), urgentFirst(a.Urgent, b.Urgent))
	})
	for name, limits := range l.s.Buckets {
		texts := make([]string, len(limits))
		for i, limit := range limits {
			texts[i] = limit.String()
		}
		r.Wants[name] = strings.Join(texts, " and ")
	}
	return r
}

func urgentFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// text returns the record as JSON, cut to the bound: it leaves out the same part of each kind, the least busy entries
// first.
func (r Record) text() ([]byte, error) {
	routes, buckets, wants := r.Routes, r.Buckets, r.Wants
	omitted, busiest, known := r.Omitted, slices.Collect(maps.Keys(buckets)), sorted(wants)
	slices.SortFunc(busiest, func(a, b string) int {
		return cmp.Or(-cmp.Compare(buckets[a].UsedS, buckets[b].UsedS), -cmp.Compare(buckets[a].Used, buckets[b].Used), strings.Compare(a, b))
	})
	for most := mostRecorded; ; most /= 2 {
		r.Routes = routes[:min(most, len(routes))]
		r.Buckets, r.Wants = some(buckets, busiest[:min(most, len(busiest))]), some(wants, known[:min(most, len(known))])
		r.Omitted = omitted + len(routes) - len(r.Routes) + len(buckets) - len(r.Buckets)
		text, err := json.Marshal(r)
		if err != nil || len(text) <= maxRecord || most == 0 {
			return text, err
		}
	}
}

// some returns the entries of a map under some keys.
func some[V any](of map[string]V, keys []string) map[string]V {
	out := make(map[string]V, len(keys))
	for _, k := range keys {
		out[k] = of[k]
	}
	return out
}

// itself returns the host of this process and the version of its program.
var itself = sync.OnceValues(func() (host, build string) { //nolint:gochecknoglobals // fixed
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		build = b.Main.Version
	}
	return host, build
})
