package adapt

// Span bounds a distance between two times in units of 1/Tokens of a µs: exact in the numbers of a script.
const Span = 1 << 51

// Units is what tokens cost at a factor in ppm: tokens·Per·1e6/factor units of 1/Tokens of a µs, rounded up. It is never less than
// tokens·Per, which is the charge at the configured rate, so that the configured limit is kept whatever the factors were. The product
// tokens·Per must not exceed Span.
//
// The charge is split, so that each step is exact: with q = floor(tokens·Per/factor) and the rest r below factor, it is
// q·1e6 + ceil(r·1e6/factor).
func (l Limit) Units(tokens, factor int64) int64 {
	charge := tokens * l.Per
	whole := charge / factor
	if whole >= Span/Whole {
		return Span
	}
	rest := (charge - whole*factor) * Whole
	return whole*Whole + (rest+factor-1)/factor
}

// Slot is when a call of a cost is due behind others, in units after full, the time at which the bucket will be full again: before
// full, if the bucket has tokens.
//
//	slot = full + (ahead + cost)·T' − max(Burst·T, cost·T')    T' = T·1e6/factor
//
// The burst stays as it is in time, so that it has fewer tokens at a lower rate: with as many tokens as before, every cut would hand
// out the difference at once. So full never moves with a factor. A call that costs more than the tokens of the burst waits until the
// bucket is full.
func (l Limit) Slot(ahead, cost, factor int64) int64 {
	return l.Units(ahead, factor) + min(0, l.Units(cost, factor)-l.Burst*l.Per)
}
