package paper

import (
	"math/rand/v2"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// World is a fleet, its limits, its Redis, and how long they are watched.
type World struct {
	Replicas int
	Callers  int           // of each lane; each comes within the first turn of the fleet, and asks again when its task has ended
	Task     time.Duration // how long a task takes
	Limits   []bucket.Limit
	Routes   [][]int // indexes into Limits, narrowest first; each replica has a lane for each. Zero is one route through all limits
	Costs    Costs
	Warm     time.Duration // before anything is counted
	Length   time.Duration // for which things are counted
	Seed     uint64
	Saw      func(Start) // hears of every start, also while the world warms up; nil for nobody

	again uint64 // tells worlds apart whose callers come alike
}

// Start is a call that starts.
type Start struct {
	Replica, Route int
	Due            int64         // µs, on the clock of the core
	At, Waited     time.Duration // since the world began; since the caller asked
}

// Costs is what time things take.
type Costs struct {
	Trip   time.Duration // to Redis and back, at least
	Spread time.Duration // that a trip takes longer in the mean; each way half of it, exponentially distributed
	Late   time.Duration // that a task ends later than its timer was set, in the mean; from none to twice as much

	Plain    time.Duration // the short script, of one ask and one limit
	Bail     time.Duration // the short script where it finds that the other one is needed
	Full     time.Duration // the script that knows the line, of one ask that is served
	Line     time.Duration // to leave the line, or to enter it
	Deep     time.Duration // each of these for each doubling of the line
	Ask      time.Duration // a further run of asks
	Limit    time.Duration // a further limit
	Presence time.Duration // to say what a replica is configured with
	Announce time.Duration // to publish a record and announce the replica
	Publish  time.Duration // to publish a record
}

// PerSecond is a limit of a rate a second.
func PerSecond(rate, burst int64) bucket.Limit {
	a, b := rate, time.Second.Microseconds()
	for b != 0 {
		a, b = b, a%b
	}
	return bucket.Limit{Tokens: rate / a, Per: time.Second.Microseconds() / a, Burst: burst}
}

// Rate is the tokens a second of the slowest limit.
func (w *World) Rate() float64 {
	rate := 0.0
	for i, l := range w.Limits {
		if r := float64(l.Tokens) / float64(l.Per) * 1e6; i == 0 || r < rate {
			rate = r
		}
	}
	return rate
}

// routes are the routes of each replica.
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

// Turn is how long it takes until every caller of the fleet has started once, at the rate of the slowest limit.
func (w *World) Turn() time.Duration {
	return time.Duration(float64(w.callers()) / w.Rate() * float64(time.Second))
}

func (w *World) callers() int { return w.Replicas * w.Callers * len(w.routes()) }

// Comes is when each caller comes: those of the first lane first. Which callers come together is
// decided here for long, because callers that start together ask together. A real fleet that is to be compared has to begin alike.
func (w *World) Comes() []time.Duration {
	rnd, turn := rand.New(rand.NewPCG(w.Seed, ofCallers)), int64(w.Turn()) //nolint:gosec // a world is to be repeated
	all := make([]time.Duration, w.callers())
	for i := range all {
		all[i] = time.Duration(rnd.Int64N(turn + 1))
	}
	return all
}

// What is drawn from one seed, apart from each other.
const (
	ofCallers = iota
	ofFleet
)
