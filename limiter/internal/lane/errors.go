package lane

import (
	"errors"
	"fmt"
	"time"
)

// ErrRetired is what a lane says that was given up because nobody used it: there is another, or will be.
var ErrRetired = errors.New("limiter: lane given up")

// ErrNotNow is the answer to who asks for a reservation at once, where there is none.
var ErrNotNow = errors.New("limiter: not now")

// ErrNoCost is the answer to a call that takes tokens of no bucket of its route.
var ErrNoCost = errors.New("limiter: a call that takes no tokens")

// BucketError is the answer to a call that takes tokens of a bucket that its route does not pass.
type BucketError struct{ Bucket string }

func (e *BucketError) Error() string { return "the route does not pass bucket " + e.Bucket }

// TooLargeError is the answer to a call of more tokens than a bucket ever holds.
type TooLargeError struct {
	Bucket      string
	Cost, Burst int64
}

func (e *TooLargeError) Error() string { return fmt.Sprintf("%d tokens of %d", e.Cost, e.Burst) }

// TooLateError is the answer to who could start after its deadline only: Ready after it came.
type TooLateError struct{ Ready time.Duration }

func (e *TooLateError) Error() string { return "in " + e.Ready.String() }
