package bucket

import "math"

// step is the view of one ask on one limit.
type step struct {
	key, cost, ahead int64
	held             bool // the call has the place of the lane's former entry
	jump             bool // the call is urgent, and passes the line
}

// look finds the step of each limit for the next call of an ask.
func (d *decision) look(a *Ask) {
	for i, b := range d.Limits {
		s := step{cost: a.cost(i)}
		if s.cost == 0 {
			d.at[i] = s
			continue
		}
		b.priceFor(s.cost)
		s.key, s.held = d.key(i, a), i == d.held && d.left > 0
		s.jump = a.Urgent && b.urgent <= d.Now+d.Horizon+b.share()
		if len(b.line.entries) > 0 && !s.jump {
			s.ahead = b.line.ahead(s.key, d.Lane)
		}
		d.at[i] = s
	}
}

// key returns the arrival that counts for the next call of an ask at a limit.
func (d *decision) key(i int, a *Ask) int64 {
	if i == d.held && d.left > 0 {
		return d.heldKey
	}
	return d.since(a)
}

func (d *decision) since(a *Ask) int64 { return d.Now - min(max(a.Age, 0), oldest) }

// share returns how far the level of urgent calls may be ahead. Urgent calls have half of the burst and, by
// [Bucket.jumped], half of the rate.
func (b *Bucket) share() int64 {
	return int64(math.Ceil(b.interval(2 * (max(1, b.Burst/2) - 1))))
}

// joint returns the earliest due time of a call over all limits, the limit that sets it (-1 if the call may start at
// once), and the exact time.
func (d *decision) joint() (due int64, bound int, exactly Moment) {
	due, bound, exactly = d.from, -1, Moment{At: d.from}
	for i, b := range d.Limits {
		if d.at[i].cost == 0 {
			continue
		}
		at, _ := b.tokenAt(d.at[i].ahead, d.at[i].cost)
		if us := at.Ceil(); us > due || us == due && bound >= 0 && i == len(d.Limits)-1 {
			due, bound, exactly = us, i, at
		}
	}
	if bound >= 0 && len(d.Limits) > 1 {
		d.Limits[bound].sought = d.Now
	}
	return due, bound, exactly
}

// fits reports whether a call may be granted at its due time.
func (d *decision) fits(due int64, bound int) bool {
	if bound < 0 {
		return true
	}
	if due > d.Now+d.Horizon || due > d.Limits[bound].free(d.at[bound].cost) {
		return false
	}
	if last := len(d.Limits) - 1; d.at[last].cost > 0 {
		if shared, _ := d.Limits[last].tokenAt(d.at[last].ahead, d.at[last].cost); due <= shared.Ceil() {
			return true
		}
	}
	for i, b := range d.Limits {
		if d.at[i].cost == 0 || d.Of[i] == d.Of[bound] || due <= d.Now+b.spare(d.Horizon) || !b.Window && due <= b.full.Ceil() {
			continue
		}
		return false
	}
	return true
}

// charge takes the tokens of m calls from every limit, due from first to last by the progression of a limit from
// exactly.
func (d *decision) charge(first, last, m int64, exactly Moment, bound int) {
	for i, b := range d.Limits {
		s := d.at[i]
		if s.cost == 0 {
			continue
		}
		if b.Window && last > first { // a window remembers each due time
			l, cost := d.Limits[bound], d.at[bound].cost
			for k := range m {
				due := l.after(exactly, k*cost*l.price).Ceil()
				b.charge(due, due, 1, s.cost)
			}
		} else {
			b.charge(first, last, m, s.cost)
		}
		if s.jump && len(b.line.entries) > 0 {
			b.urgent = max(b.urgent, last) + int64(math.Ceil(b.time(2*m*s.cost)))
		}
	}
	d.use(m)
}

// use subtracts calls from the former entry.
func (d *decision) use(m int64) {
	d.used = true
	if d.held >= 0 {
		d.left = max(0, d.left-m*d.at[d.held].cost)
	}
}
