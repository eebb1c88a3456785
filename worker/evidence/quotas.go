package evidence

import "time"

const maxQuotas = 16

// quotas are the limits read from an answer so far, in the order of their appearance. The first value of a property
// counts, because fields come in the order of their rank.
type quotas []Quota

// quotasOf reads all fields.
func quotasOf(fields []field, c clock) quotas {
	var q quotas
	for _, f := range fields {
		for v := range f.all() {
			switch f.part {
			case current:
				q.current(v, c)
			case limit, remaining, resetAfter, reset, resetMS:
				q.plain(f, v, c)
			case policy:
				q.policies(v)
			}
		}
	}
	// The windows of the older forms come last: they belong to the limit with the same number.
	for _, f := range fields {
		for v := range f.all() {
			switch {
			case f.part == policy, f.part == limit && f.quota == "":
				q.windows(v)
			case f.part == title:
				q.entitle(v)
			}
		}
	}
	return q
}

// named returns the quota of this name. If there are too many quotas, it returns a quota that is not kept.
func (q *quotas) named(name string) *Quota {
	for i := range *q {
		if (*q)[i].Name == name {
			return &(*q)[i]
		}
	}
	return q.add(Quota{Name: name, Limit: -1, Remaining: -1})
}

func (q *quotas) add(one Quota) *Quota {
	if len(*q) == maxQuotas {
		return &one
	}
	*q = append(*q, one)
	return &(*q)[len(*q)-1]
}

// entitle gives this name to the quota without a name, unless another quota has the name.
func (q *quotas) entitle(name string) {
	if !presentable(name) {
		return
	}
	for i := range *q {
		if (*q)[i].Name == name {
			return
		}
	}
	for i := range *q {
		if (*q)[i].Name == "" {
			(*q)[i].Name = name
			return
		}
	}
}

// presentable reports whether a name has at most 128 characters, all printable ASCII, so that it is safe to print.
func presentable(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return len(name) <= 128
}

// learn sets a count if it is not known yet.
func learn(count *int64, n int64) {
	if *count < 0 {
		*count = n
	}
}

// learnWait sets a wait or a window if it is not known yet.
func learnWait(at *time.Duration, d time.Duration) {
	if *at == 0 {
		*at = d
	}
}
