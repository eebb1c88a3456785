package adapt_test

import (
	"fmt"
	"slices"
)

// situations returns all situations. The configured rate is 40 a second, unless the name has another one.
func situations() []situation {
	return slices.Concat(lower(), falls(), strays(), strangers(), overloads())
}

// lower returns the situations of a provider that accepts 25 calls a second.
func lower() []situation {
	s := []situation{{"25, bucket, no latency", world{rate: 40, seconds: 40, near: true, accepts: always(25)}, []measure{
		used(10, 40, 25, want(0.95), want(0.95)),
		refused("429s, %", 10, 40, want(2), want(2.5)),
	}}}
	for _, of := range []struct {
		kind          kind
		used          bar
		refused, each bar
	}{
		{tokenBucket, want(0.95), want(2), want(2.5)},
		{fixedWindow, want(0.93), want(3), want(3.5)},
		{slidingWindow, want(0.90), want(3), want(3.5)},
	} {
		name := fmt.Sprint("25, ", of.kind)
		s = append(s, situation{name, world{rate: 40, seconds: 40, kind: of.kind, accepts: always(25)}, []measure{
			used(10, 40, 25, of.used, bar{}),
			refused("429s, %", 10, 40, of.refused, of.each),
		}})
	}
	return s
}

// falls returns the situations of a provider that accepts only 15 calls a second for 20 s.
func falls() []situation {
	var s []situation
	for _, of := range []struct {
		kind                    kind
		lowEach, back, backEach bar
	}{
		{tokenBucket, want(13.5), want(36), missed(36, 32)},
		{fixedWindow, missed(13.5, 12.8), want(28), want(28)},
		{slidingWindow, missed(13.5, 13.4), want(28), want(28)},
	} {
		w := world{rate: 40, seconds: 60, kind: of.kind, accepts: between(20, 40, 15, 40)}
		s = append(s, situation{fmt.Sprint("40, 15 for 20 s, 40, ", of.kind), w, []measure{
			served("served a second, from 3 s on", 23, 40, want(13.5), of.lowEach),
			refused("429s from 3 s on, %", 23, 40, want(5), want(5)),
			best("served a second within 10 s", 40, 50, of.back, of.backEach),
		}})
	}
	return s
}

// strays returns the situations of a provider that refuses 1 % of the calls for no reason.
func strays() []situation {
	var s []situation
	for _, of := range []struct {
		rate, seconds int64
		used          bar
	}{
		{4, 200, want(0.90)},
		{40, 60, want(0.90)},
		{1000, 15, want(0.90)},
	} {
		name := fmt.Sprint("1 % stray 429s at ", of.rate)
		w := world{rate: of.rate, seconds: of.seconds, kind: anyKind, accepts: always(2.5 * float64(of.rate)), stray: 0.01}
		s = append(s, situation{name, w, []measure{used(5, float64(of.seconds), float64(of.rate), of.used, bar{})}})
	}
	return s
}

// strangers returns the situations in which other clients use half of the 40 calls a second that the provider accepts.
func strangers() []situation {
	var s []situation
	for _, of := range []struct {
		kind          kind
		headers       bool
		used, refused bar
	}{
		{tokenBucket, true, want(0.75), want(1)},
		{fixedWindow, true, want(0.75), missed(1, 3.4)},
		{slidingWindow, true, missed(0.75, 0.60), missed(1, 4.1)},
		{tokenBucket, false, want(0.75), want(5)},
		{fixedWindow, false, want(0.75), want(5)},
		{slidingWindow, false, missed(0.75, 0.74), want(5)},
	} {
		name := fmt.Sprint("stranger, ", of.kind)
		if of.headers {
			name += ", headers"
		}
		w := world{rate: 40, seconds: 80, kind: of.kind, headers: of.headers, accepts: always(40), stranger: between(20, 80, 20, 0)}
		s = append(s, situation{name, w, []measure{
			used(25, 80, 20, of.used, bar{}),
			refused("429s, %", 25, 80, of.refused, bar{}),
		}})
	}
	return s
}

// overloads returns the situations of a provider that fails for 30 s.
func overloads() []situation {
	var s []situation
	for _, of := range []struct {
		part float64
		sent measure
	}{
		{0.1, sent("sent a second", false, 20, 50, want(40), want(39.9))},
		{0.3, sent("sent a second", false, 20, 50, bar{}, bar{})},
		{1, sent("sent a second", true, 20, 50, want(3), missed(3, 3.1))},
	} {
		w := world{rate: 40, seconds: 60, kind: anyKind, accepts: always(100), fails: between(20, 50, of.part, 0)}
		s = append(s, situation{fmt.Sprintf("529 for 30 s, %.0f %%", 100*of.part), w, []measure{
			of.sent,
			best("served a second within 8 s", 50, 58, want(36), want(36)),
		}})
	}
	return s
}
