package upstream

import "time"

// fixed is a fixed window: it counts the calls accepted since the last multiple of its length.
type fixed struct {
	n      int
	length int64 // nanoseconds
	number int64 // of the window that count is about
	count  int
}

func (w Window) fixed() *fixed { return &fixed{n: w.N, length: int64(w.Per)} }

// become gives the window the count and the length of another window. Its counted calls stay if the length stays.
func (f *fixed) become(other *fixed, now int64) {
	f.turn(now)
	if f.length != other.length {
		f.number, f.count = now/other.length, 0
	}
	f.n, f.length = other.n, other.length
}

func (f *fixed) turn(now int64) {
	if number := now / f.length; number != f.number {
		f.number, f.count = number, 0
	}
}

// left returns the time from now to the end of the window.
func (f *fixed) left(now int64) int64 { return f.length - now%f.length }

func (f *fixed) wait(now, _ int64) int64 {
	f.turn(now)
	if f.count < f.n {
		return 0
	}
	return f.left(now)
}

func (f *fixed) take(now, _ int64) {
	f.turn(now)
	f.count++
}

func (f *fixed) state(now int64) State {
	f.turn(now)
	per := time.Duration(f.length)
	return State{
		Limit: int64(f.n), Per: per, PerMinute: perMinute(f.n, per),
		Remaining: int64(max(0, f.n-f.count)),
		Reset:     time.Duration(f.left(now)),
	}
}
