package limiter

import "github.com/weir-go/weir/limiter/internal/lane"

// routeLocked builds the route of a lane from the configuration in force. Lanes that judge pass the buckets in shadow
// mode; lanes with callers pass the others.
func (l *Limiter) routeLocked(key laneKey, labels *labels) *lane.Route {
	l.built++
	p := &passed{labels: labels, limiter: l, judges: key.judges, mode: Connected}
	r := lane.Route{Name: key.route, Version: l.conf.version, Built: l.built, Slack: l.s.Slack, Info: p}
	for of, bucket := range l.paths[key.route] {
		own := l.own[bucket].limits
		limits := own
		if own == nil {
			limits = l.conf.limits[bucket]
		}
		if len(limits) > 0 && (p.about.bucket == "" || p.about.own) {
			p.about = limits[0]
		}
		if own == nil && l.conf.shadowed[bucket] != key.judges || own != nil && key.judges {
			r.Beside = append(r.Beside, bucket)
			continue
		}
		opens := l.conf.opens[bucket]
		if l.alone != nil {
			opens = l.alone.opensOf(bucket, opens)
		}
		for _, b := range limits {
			b.opens = opens
			limit := b.lane()
			limit.Tally = l.tallies.of[bucket]
			if m, ok := l.s.Metered[bucket]; ok {
				limit.Meter, limit.Holds = true, m.Holds
			}
			r.Limits, p.limits, p.of = append(r.Limits, limit), append(p.limits, b), append(p.of, of)
		}
	}
	if l.alone != nil && !key.judges {
		l.alone.guide(&r, p)
	}
	return lane.NewRoute(r)
}

// reroutesLocked builds the routes of all lanes again. The caller runs the returned function without the lock.
func (l *Limiter) reroutesLocked() func() {
	var all []func()
	for key, n := range l.lanes {
		r := l.routeLocked(key, passedOf(n.Route()).labels)
		all = append(all, func() { n.Reroute(r) })
	}
	return func() {
		for _, reroute := range all {
			reroute()
		}
	}
}
