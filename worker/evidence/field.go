package evidence

import (
	"cmp"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// The bounds of what is read of an answer.
const (
	maxFields = 64      // headers
	maxValues = 16      // values of one header
	maxValue  = 4 << 10 // bytes of one value
	maxKey    = 96      // bytes of the name of a header
)

// part is which property of a limit a header contains. The parts are read in this order.
type part uint8

const (
	retryMS    part = iota + 1 // a wait, in milliseconds
	retry                      // a wait
	current                    // RateLimit: the whole state
	limit                      // the most that the limit allows
	remaining                  // what is left of the limit
	resetAfter                 // until the limit is whole again, as a wait
	reset                      // the same, as a wait or a moment
	resetMS                    // the same, in milliseconds
	policy                     // RateLimit-Policy: limits with their windows
	title                      // the name of the limit without a name
)

// field is a header about a limit.
type field struct {
	part   part
	rank   uint8  // of two headers for the same property, the header of lower rank counts
	quota  string // the name of the header's limit, "" if it has none
	key    string
	values []string
}

// gather returns the headers about limits, in the order in which they are read, and the values of Date. It allocates
// only if there are such headers.
func gather(h http.Header) (fields []field, date []string) {
	dateKey := ""
	for key, values := range h {
		if f, ok := recognise(key); ok {
			f.values = values
			fields = insert(fields, f)
		} else if len(key) == len("Date") && strings.EqualFold(key, "Date") && (dateKey == "" || key < dateKey) {
			dateKey, date = key, values
		}
	}
	if fields == nil {
		return nil, nil
	}
	return fields, date
}

// insert keeps the fields sorted, so that the order of the map does not matter, even if there are too many fields and
// some are left out.
func insert(fields []field, f field) []field {
	i, _ := slices.BinarySearchFunc(fields, f, field.compare)
	if i == maxFields {
		return fields
	}
	if len(fields) == maxFields {
		fields = fields[:maxFields-1]
	}
	return slices.Insert(fields, i, f)
}

func (f field) compare(g field) int {
	return cmp.Or(cmp.Compare(f.part, g.part), cmp.Compare(f.rank, g.rank), cmp.Compare(f.quota, g.quota), cmp.Compare(f.key, g.key))
}

// all yields the values, up to the bounds, without surrounding blanks.
func (f field) all() iter.Seq[string] { return readable(f.values) }

func readable(values []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range values[:min(len(values), maxValues)] {
			if len(v) <= maxValue && !yield(strings.Trim(v, " \t")) {
				return
			}
		}
	}
}
