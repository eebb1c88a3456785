package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Filter chooses by name. The zero value matches every name.
type Filter struct {
	text    string
	re      *regexp.Regexp
	inverse bool
}

// ParseFilter parses a regular expression. After an exclamation mark it matches all other names.
func ParseFilter(text string) (Filter, error) {
	pattern, inverse := strings.CutPrefix(text, "!")
	if pattern == "" {
		return Filter{}, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Filter{}, fmt.Errorf("filter: %w", err)
	}
	return Filter{text, re, inverse}, nil
}

// String returns the text that was parsed, "" for the zero value.
func (f Filter) String() string { return f.text }

// Match reports whether the filter chooses an item with these names.
func (f Filter) Match(names ...string) bool {
	return f.re == nil || slices.ContainsFunc(names, f.re.MatchString) != f.inverse
}

// Apply removes the buckets, routes and batches that the filter does not choose from a report.
func (f Filter) Apply(r *Report) {
	r.Buckets = slices.DeleteFunc(r.Buckets, func(b Bucket) bool { return !f.Match(b.Name) })
	r.Routes = slices.DeleteFunc(r.Routes, func(v Route) bool { return !f.Match(v.Name) })
	r.Batches = slices.DeleteFunc(r.Batches, func(v Batch) bool { return !f.Match(v.ID) })
}
