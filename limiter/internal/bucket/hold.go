package bucket

// Hold shuts the limits of one bucket, because the provider has asked to wait.
type Hold struct {
	For   int64 // µs from now; 0 for none
	Limit int   // one of the limits of the bucket
}

// hold shuts the bucket until a time: nothing is due before, and the bucket is empty then. The longest hold wins.
// Earlier grants get nothing back any more. A limit that keeps its tokens is left alone: a day's calls must not be lost
// because a provider asks once to wait a second.
func (b *Bucket) hold(until int64) {
	if b.Keeps {
		return
	}
	b.last = max(b.last, until)
	if b.Window {
		return
	}
	if empty := b.empty(until); before(b.paused, empty) {
		b.set(empty)
	}
	if b.eras != nil {
		b.forgetEras()
	}
}
