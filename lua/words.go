package lua

import (
	"strconv"
	"strings"
)

// fill puts the changing words into a command.
func (p *Path) fill(c *command, a *AcquireArgs) []any {
	out := c.argv[:c.rest]
	out[c.head] = join(a.Seq, a.Grants, a.HorizonUS, a.LeadUS, int64(p.limits), int64(a.reports()), p.contents(a))
	if p.epoch != a.Epoch || p.version != a.Version || p.memory == nil {
		p.epoch, p.version = a.Epoch, a.Version
		p.memory = strconv.Itoa(Version) + " " + a.Epoch + " " + strconv.FormatInt(a.Version, 10) + " "
	}
	out[c.head+1] = p.memory
	for _, b := range a.Backs {
		out = append(out, "r "+strconv.FormatInt(b.DueUS, 10)+" "+costs(b.Costs))
	}
	for _, s := range a.Settled {
		text := make([]byte, 0, 64)
		for i := range s.Since {
			text = append(text, "s ,"[min(2*i, 2)])
			if i == 0 {
				text = append(text, ' ')
			}
			text = strconv.AppendInt(text, s.Since[i], 10)
			text = strconv.AppendInt(append(text, ':'), s.Estimated[i], 10)
			text = strconv.AppendInt(append(text, ':'), s.Actual[i], 10)
		}
		out = append(out, string(text))
	}
	if a.HoldUS > 0 {
		out = append(out, "t "+strconv.FormatInt(a.HoldUS, 10)+" "+strconv.Itoa(a.HoldLimit+1))
	}
	for _, t := range a.Taught {
		of := []int64{t.DueUS, int64(t.Limit + 1), max(1, t.Cost)}
		if t.Lesson == QuotaLeft {
			of = append(of[:2], t.Quota, t.PeriodUS, t.Left, t.Stand, t.SentUS)
		}
		out = append(out, string(t.Lesson)+" "+join(of...))
	}
	for _, k := range a.Asks {
		out = append(out, p.ask(k))
	}
	c.argv = out
	return out
}

// contents returns what a reply is to contain for each limit: 1 the level, 2 the tokens left, 0 nothing.
func (p *Path) contents(a *AcquireArgs) int64 {
	switch {
	case a.Left:
		return 2
	case a.Levels:
		return 1
	}
	return p.levels
}

// join writes numbers with blanks between.
func join(numbers ...int64) string {
	b := make([]byte, 0, 64)
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// costs writes numbers with commas between.
func costs(numbers []int64) string {
	return strings.ReplaceAll(join(numbers...), " ", ",")
}

// ask returns the words of an ask. It caches the words of calls that have not waited and that wait without end or not
// at all, because these are frequent.
func (p *Path) ask(k Ask) any {
	w := word{k.Count, 0, k.PatienceUS, k.Urgent}
	again := k.PatienceUS <= 0 && k.AgeUS == 0 && len(k.Costs) == 1
	if again {
		w.cost = k.Costs[0]
		if text, ok := p.asks[w]; ok {
			return text
		}
	}
	b := strconv.AppendInt(make([]byte, 0, 64), int64(k.Count), 10)
	for i, c := range k.Costs {
		b = append(b, " ,"[min(i, 1)])
		b = strconv.AppendInt(b, c, 10)
	}
	b = strconv.AppendInt(append(b, ' '), k.PatienceUS, 10)
	b = append(b, " 0 "...)
	if k.Urgent {
		b[len(b)-2] = '1'
	}
	var text any = string(strconv.AppendInt(b, k.AgeUS, 10))
	const enough = 512
	if again && len(p.asks) < enough {
		p.asks[w] = text
	}
	return text
}

// words reads a text of words, most of them numbers.
type words struct {
	rest string
	bad  bool // a word was missing or no number
}

func (w *words) word() string {
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = rest
	w.bad = w.bad || word == ""
	return word
}

func (w *words) next() int64 {
	n, err := strconv.ParseInt(w.word(), 10, 64)
	w.bad = w.bad || err != nil
	return n
}
