package lane

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Back is a reservation that nobody here uses. It goes back to the store for others.
type Back struct {
	Due  int64 // µs, the store's clock
	Cost Cost
}

// Request is one request to a store, and its reply. A lane has one and reuses it.
type Request struct {
	Lead    int64 // µs: nothing is due sooner than this from now
	Asks    []bucket.Ask
	Backs   []Back
	Settled []bucket.Settled // at most 100
	Hold    bucket.Hold
	Taught  []bucket.Taught // at most maxTaught
	Tell    bool            // the reply is to contain what each limit has left
	Stands  bool            // the reply is to contain where each limit stands, unless it contains what each has left

	Runs     int   // runs of scripts that the request took
	Now      int64 // µs, the store's clock
	Answers  []bucket.Answer
	Left     []int64 // tokens that each limit has left, if requested
	Stand    []int64 // where each limit stands after the request, as [bucket.Bucket.Stand], if requested
	ComeBack int64   // µs from now, when waiting callers should ask again; negative if nobody waits
}

// Store answers requests for tokens on every limit of a route. Requests of one store come one at a time. Each replaces
// the lane's place in line; a request without asks gives the place up.
type Store interface {
	Reserve(r *Route, q *Request) error
}

// ErrOutdated is the answer to a request of another configuration than the one in force: nothing was done.
var ErrOutdated = errors.New("limiter: configuration outdated")

// Shared is what the lanes of one limiter share. All fields except the last three are fixed before the first lane is
// made.
type Shared struct {
	Slack, Horizon time.Duration
	Timeout        time.Duration // how long a caller that wants an answer at once waits for the store
	Local          bool          // requests take no time
	Clock          *Clock
	// Refresh asks for the configuration in force, unless that was done after the configuration of a version.
	Refresh func(version int64) error
	// Passing reports whether the store may answer the same request later.
	Passing func(error) bool
	// Unavailable returns the error for a caller that gets no answer in time.
	Unavailable func(cause error) error
	// Reopen returns the lane that replaces a removed one, nil if there is to be none.
	Reopen func(*Lane) *Lane
	// Line returns the store of a lane that has given its request up.
	Line func(id string) Store
	// Used is called for each request if requests take no time, under the lane's lock.
	Used func(now time.Time)

	Running   sync.WaitGroup // goroutines of lanes
	askStands atomic.Bool    // replies are to contain where the limits stand: answers of a provider contain what remains
	Requests  atomic.Int64   // runs of scripts

	waiters      waiters
	kernelSleeps kernelSleeps
}
