package lane

import (
	"errors"
	"fmt"
	"time"
)

// ErrRetired reports that the lane was removed because nobody used it. Another lane replaces it, or will.
var ErrRetired = errors.New("limiter: lane given up")

// ErrNotNow is the answer to a caller that asks for a reservation at once, if there is none.
var ErrNotNow = errors.New("limiter: not now")

// ErrNoCost is the answer to a call that takes tokens of no bucket of its route.
var ErrNoCost = errors.New("limiter: a call that takes no tokens")

// BucketError is the answer to a call that takes tokens of a bucket that its route does not pass.
type BucketError struct{ Bucket string }

func (e *BucketError) Error() string { return "the route does not pass bucket " + e.Bucket }

// TooLargeError is the answer to a call of more tokens than a bucket can hold.
type TooLargeError struct {
	Bucket      string
	Cost, Burst int64
}

func (e *TooLargeError) Error() string { return fmt.Sprintf("%d tokens of %d", e.Cost, e.Burst) }

// TooLateError is the answer to a caller that could start only after its deadline: Ready after it came.
type TooLateError struct{ Ready time.Duration }

func (e *TooLateError) Error() string { return "in " + e.Ready.String() }
