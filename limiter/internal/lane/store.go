package lane

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Back is a reservation that nobody here uses, on its way to whom it may serve elsewhere.
type Back struct {
	Due  int64 // µs, the store's clock
	Cost Cost
}

// Request is one request to a store, and its reply. A lane has one, and uses it again and again.
type Request struct {
	Lead    int64 // µs: nothing is due sooner than this from now
	Asks    []bucket.Ask
	Backs   []Back
	Settled []bucket.Settled // at most 100
	Hold    bucket.Hold
	Taught  []bucket.Taught // at most maxTaught
	Tell    bool            // the reply is to say what each limit has left
	Stands  bool            // the reply is to say where each limit stands, unless it says what each has left

	Runs     int   // of scripts, that the request took
	Now      int64 // µs, the store's clock
	Answers  []bucket.Answer
	Left     []int64 // tokens that each limit has left, where that was to be told
	Stand    []int64 // where each limit stands after the request, as [bucket.Bucket.Stand], where that was to be told
	ComeBack int64   // µs from now, when those that wait should ask again; negative if nobody waits
}

// Store answers requests for tokens on every limit of a route. Requests of one store come one at a time. Each replaces the
// lane's place in line; one without asks gives it up.
type Store interface {
	Reserve(r *Route, q *Request) error
}

// ErrOutdated is what a store says to a request by another configuration than the one in force: nothing was done.
var ErrOutdated = errors.New("limiter: configuration outdated")

// Shared is what the lanes of one limiter share. All but the last three is fixed before the first lane is made.
type Shared struct {
	Slack, Horizon time.Duration
	Timeout        time.Duration // how long who wants an answer at once waits for the store
	Local          bool          // requests take no time
	Clock          *Clock
	// Refresh asks for the configuration in force, unless that has happened since the one of a version.
	Refresh func(version int64) error
	// Passing reports whether the store may answer the same request later.
	Passing func(error) bool
	// Unavailable is the error for who gets no answer in time.
	Unavailable func(cause error) error
	// Reopen returns the lane in the place of one that was given up, nil if there is to be none.
	Reopen func(*Lane) *Lane
	// Line is the way of a lane to the store, for one that has given its request up.
	Line func(id string) Store
	// Used is told of each request where requests take no time. It is called under the lane's lock.
	Used func(now time.Time)

	Running  sync.WaitGroup // goroutines of lanes
	tells    atomic.Bool    // replies are to say where the limits stand: answers of a provider say what remains
	Requests atomic.Int64   // runs of scripts

	waiters      waiters
	kernelSleeps kernelSleeps
}
