package bucket

import (
	"slices"
)

// The cost of a call may be known only afterwards. A bucket that takes back the surplus of such calls must never hold
// more than a bucket that knew the costs from the beginning.
//
// Let R be the level after a number of charges, as the time at which the bucket is full. A charge that had taken x
// tokens less would have left max(R − x·T, B), where B is the level of a bucket that was full just after that charge. R
// − B is the minimum, over all later charges, of how far the level was beyond their due times: the tokens that were
// missing before them. So each charge has a bound, which later charges can only lower. A later charge counts for all
// earlier ones, so the bounds grow from old charges to new ones. Charges in a row whose bounds differ by at most a
// quarter share the lower bound: an era. So there are few eras, and a fifth of a bound is the most that they hide.

// era is the charges from a time until the next era begins. The newest has the charges of one moment, the latest one.
type era struct {
	start int64 // µs
	low   int64 // tokens: the bound of its charges
}

const unnoted = 1 << 50 // tokens: more than a bucket can miss

// grown returns the least bound of an era behind an era of another bound.
func grown(low int64) int64 { return low + low/4 + 1 }

// note notes that something will be charged at a due time. A charge that is due when the newest era began, or before,
// bounds nothing: it is due no later than the charges of that era, and their tokens are missing at its due time. Older
// charges are bounded by the first charge of that era. So the calls of one request that start together do not bound each
// other.
func (b *Bucket) note(due int64) {
	if b.eras != nil && due > b.eras[len(b.eras)-1].start {
		b.noteTokens(b.beyond(due))
	}
}

// beyond returns how many whole tokens the bucket misses at a time.
func (b *Bucket) beyond(at int64) int64 {
	us := min(b.full.At-at, span/b.Tokens)
	if us < 0 {
		return 0
	}
	return (us*b.Tokens + b.full.Frac) / b.Per
}

// noteTokens notes how many tokens were missing before a charge, which bounds all earlier charges. The charge itself
// begins an era, unless the newest began at the same moment.
func (b *Bucket) noteTokens(missing int64) {
	last := &b.eras[len(b.eras)-1]
	last.low = min(last.low, missing)
	if b.now > last.start {
		b.eras = append(b.eras, era{b.now, unnoted})
	}
	b.joinEras()
}

// joinEras lowers the bounds of eras to those of later ones, and joins eras whose bounds are close, but not the newest:
// charges of one moment must be in one era.
func (b *Bucket) joinEras() {
	least, newest := int64(unnoted), len(b.eras)-1
	for i, e := range slices.Backward(b.eras) {
		least = min(least, e.low)
		b.eras[i].low = least
	}
	kept := b.eras[:1]
	for i, e := range b.eras[1:] {
		if i+1 == newest || e.low >= grown(kept[len(kept)-1].low) {
			kept = append(kept, e)
		}
	}
	b.eras = kept
}

// forgetEras restarts the eras: nothing is taken back for earlier calls.
func (b *Bucket) forgetEras() { b.eras = []era{{b.now + 1, unnoted}} }

// takeable returns how many tokens can be taken back for a charge that was made at a time or after.
func (b *Bucket) takeable(since int64) int64 {
	if len(b.eras) == 0 || b.eras[0].start > since {
		return 0
	}
	least := int64(unnoted)
	for _, e := range slices.Backward(b.eras) {
		least = min(least, e.low)
		if e.start <= since {
			break
		}
	}
	return least
}

// lower lowers the eras since a time, when the level falls by so many tokens.
func (b *Bucket) lower(since, tokens int64) {
	if b.eras == nil {
		return
	}
	for i, e := range slices.Backward(b.eras) {
		if e.low < unnoted {
			b.eras[i].low = max(0, e.low-tokens)
		}
		if e.start <= since {
			break
		}
	}
}

// settle corrects the cost of a call that was charged at a time or after. A surplus is taken back as far as the eras
// allow. A shortfall becomes debt.
func (b *Bucket) settle(since, estimated, actual int64) {
	if actual > estimated {
		b.owe(actual - estimated)
		return
	}
	if actual == estimated || b.Window { // a window does not take starts back
		return
	}
	if b.eras == nil {
		b.forgetEras()
		if b.full.Ceil() <= b.now { // nothing has been charged at this moment
			b.eras[0].start = b.now
		}
	}
	// Nothing is missing, or a pause has emptied the bucket.
	if b.full.Ceil() <= b.now || b.full != b.paused {
		return
	}
	surplus := min(estimated-actual, b.takeable(since))
	b.set(b.after(b.full, -surplus*b.Per))
	b.lower(since, surplus)
}

// owe charges tokens that were used already. The bucket owes one burst at most: it is full at the latest two bursts
// after its latest reservation.
func (b *Bucket) owe(tokens int64) {
	if tokens = min(tokens, b.Burst); b.Window {
		b.last = max(b.last, b.now)
		b.log.add(b.last, tokens)
		return
	}
	most := b.after(Moment{At: max(b.now, b.last)}, 2*b.Burst*b.Per)
	if level := least(most, b.after(b.paused, tokens*b.price)); before(b.paused, level) {
		b.set(level)
	}
}

// set sets the level. A closed bucket is empty when it opens.
func (b *Bucket) set(level Moment) {
	b.full, b.paused = level, level
	b.close()
}

// owes returns when the bucket is full, if calls that cost more than reserved delay that further than reservations can;
// otherwise 0.
func (b *Bucket) owes(now int64) int64 {
	at := b.level().Ceil()
	if b.Window || at <= max(now, b.last)+b.reach() {
		return 0
	}
	return at
}

func least(a, b Moment) Moment {
	if before(a, b) {
		return a
	}
	return b
}
