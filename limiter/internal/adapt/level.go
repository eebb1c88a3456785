package adapt

// Span bounds a distance between two times in units of 1/Tokens of a µs: exact in the numbers of a script.
const Span = 1 << 51

// widest bounds the cost of a bucket's burst, in the same units.
const widest = 1 << 50

// Price returns what a token is charged at a factor in ppm: Per·1e6/factor units of 1/Tokens of a µs, rounded up. It is
// never less than Per, the price at the configured rate, so that the configured limit is kept whatever the factors
// were. It is bounded so that a burst can still be counted exactly.
//
// The charge is split, so that each step is exact: with q = floor(Per/factor) and the rest r below factor, it is q·1e6
// + ceil(r·1e6/factor).
func (l Limit) Price(factor int64) int64 {
	whole := l.Per / factor
	rest := (l.Per - whole*factor) * Whole
	return min(max(l.Per, widest/l.Burst), whole*Whole+(rest+factor-1)/factor)
}

// Slot returns when a call of a cost is due behind others at a price, in units after full, the time at which the bucket
// will be full again. The result is before full if the bucket has tokens.
//
//	slot = full + ahead·price + cost·price − max(Burst·Per, cost·price)
//
// The burst stays the same in time, so it has fewer tokens at a lower rate. With as many tokens as before, every cut
// would give out the difference at once. So full never moves with a factor. A call that costs more than the tokens of
// the burst waits until the bucket is full.
func (l Limit) Slot(ahead, cost, price int64) int64 {
	return min(ahead, Span/price)*price + min(0, cost*price-l.Burst*l.Per)
}

// Starts returns how many tokens of a window's burst may be used at a factor, 1 or more.
func (l Limit) Starts(factor int64) int64 { return max(1, l.Burst*factor/Whole) }
