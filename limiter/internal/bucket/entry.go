package bucket

// lineUp puts the lane into the line of the limit that binds, and sets when to ask again.
func (d *decision) lineUp() {
	if len(d.runs) == 0 {
		return // all calls that would have waited were refused
	}
	b, now := d.Limits[d.bound], d.Now
	first := d.runs[0]
	e := entry{lane: d.Lane, key: first.since, cost: first.cost}
	held := d.bound == d.held && d.left > 0
	if d.at[d.bound].jump || held && d.heldKey < now-oldest { // a place before all others stays
		e.key -= urgentAge
	}
	if held && d.used {
		e.key, e.tokens = d.heldKey, max(first.cost, min(d.left, d.before))
	} else {
		if held && e.key <= d.heldKey+grace {
			e.key = min(e.key, d.heldKey)
		}
		most := max(1, b.comes(d.Horizon))
		alike := first.since + max(d.Horizon, (d.need-first.since)/4)
		for i, r := range d.runs {
			if r.since > alike {
				break
			}
			if r.cost == 0 { // the call waits behind calls that pass the limit, and does not pass the limit itself
				continue
			}
			n := min(r.n, max(0, most-e.tokens)/r.cost)
			if i == 0 {
				n = max(n, 1)
			}
			if e.tokens += n * r.cost; n < r.n {
				break
			}
		}
	}
	e.rest = d.before - e.tokens
	b.line.add(e, d.runs[len(d.runs)-1].since)

	back := d.need - d.lead()
	if back <= now && now < d.need {
		back = now + (d.need-now)/4 // older lanes have not asked yet
	}
	if head := b.line.entries[0]; d.late && head.lane != d.Lane {
		// The next lane may be dead, too: come back when its entry would be late.
		at, _ := b.tokenAt(0, min(head.cost, b.Burst))
		back = min(back, max(now, at.At)+grace+roundTrip)
	}
	d.ComeBack = max(0, back-now)
}

// lead returns how long before its need a lane asks again: so early that the grant would push no other limit too far,
// and at least as early as the shared limit is promised ahead.
func (d *decision) lead() int64 {
	lead, last := d.Limits[d.bound].early(d.Horizon), len(d.Limits)-1
	if d.Of[d.bound] == d.Of[last] {
		return lead
	}
	shared, _ := d.Limits[last].tokenAt(d.at[last].ahead, max(1, d.at[last].cost))
	promised := min(lead, shared.Ceil()-d.Now)
	for i, o := range d.Limits {
		if d.Of[i] != d.Of[d.bound] {
			lead = min(lead, passed(o.spare(d.Horizon)))
		}
	}
	return max(lead, promised)
}
