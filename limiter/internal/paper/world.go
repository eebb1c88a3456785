package paper

import (
	"math/rand/v2"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// World describes a fleet, its limits, its Redis, and how long it runs.
type World struct {
	Replicas int
	Callers  int           // of each lane; each first asks within the first turn of the fleet, and asks again when its task has ended
	Task     time.Duration // how long a task takes
	Limits   []bucket.Limit
	Routes   [][]int // indexes into Limits, narrowest first; each replica has a lane for each route. Zero is one route through all limits
	Costs    Costs
	Warm     time.Duration // before the counted time
	Length   time.Duration // of the counted time
	Seed     uint64
	Saw      func(Start) // is called with every start, also before the counted time; may be nil

	again uint64 // number of the repetition, for Mean: it changes the seed of everything except the arrivals
}

// Start is a call that starts.
type Start struct {
	Replica, Route int
	Due            int64         // µs, on the clock of the core
	At, Waited     time.Duration // since the world began; since the caller asked
}

// Costs holds how long things take.
type Costs struct {
	Trip   time.Duration // shortest time of a round trip to Redis
	Spread time.Duration // mean extra time of a round trip; each direction has half of it, exponentially distributed
	Late   time.Duration // mean delay of the end of a task, whose timer is late; between 0 and twice that

	Plain    time.Duration // the short script, with one ask and one limit
	Bail     time.Duration // the short script, if it finds that the full script is needed
	Full     time.Duration // the full script, which knows the line, with one ask that is served
	Line     time.Duration // to leave the line, or to enter it
	Deep     time.Duration // extra time of each of these two for each doubling of the line
	Ask      time.Duration // a further run of asks
	Limit    time.Duration // a further limit
	Presence time.Duration // to send the configuration of a replica
	Announce time.Duration // to publish a record and announce the replica
	Publish  time.Duration // to publish a record
}

// PerSecond returns a limit with a rate in tokens a second.
func PerSecond(rate, burst int64) bucket.Limit {
	a, b := rate, time.Second.Microseconds()
	for b != 0 {
		a, b = b, a%b
	}
	return bucket.Limit{Tokens: rate / a, Per: time.Second.Microseconds() / a, Burst: burst}
}

// Rate returns the rate of the slowest limit, in tokens a second.
func (w *World) Rate() float64 {
	rate := 0.0
	for i, l := range w.Limits {
		if r := float64(l.Tokens) / float64(l.Per) * 1e6; i == 0 || r < rate {
			rate = r
		}
	}
	return rate
}

// routes returns the routes of each replica.
func (w *World) routes() [][]int {
	if len(w.Routes) > 0 {
		return w.Routes
	}
	all := make([]int, len(w.Limits))
	for i := range all {
		all[i] = i
	}
	return [][]int{all}
}

// Turn returns how long it takes to start every caller of the fleet once, at the rate of the slowest limit.
func (w *World) Turn() time.Duration {
	return time.Duration(float64(w.callers()) / w.Rate() * float64(time.Second))
}

func (w *World) callers() int { return w.Replicas * w.Callers * len(w.routes()) }

// Comes returns when each caller first asks, in the order of the lanes. These times have a long effect, because callers that start
// together also ask together again. A real fleet must begin at the same times, or its results cannot be compared.
func (w *World) Comes() []time.Duration {
	rnd, turn := rand.New(rand.NewPCG(w.Seed, ofCallers)), int64(w.Turn()) //nolint:gosec // a world is to be repeated
	all := make([]time.Duration, w.callers())
	for i := range all {
		all[i] = time.Duration(rnd.Int64N(turn + 1))
	}
	return all
}

// The independent random streams of one seed.
const (
	ofCallers = iota
	ofFleet
)
