package lua

import (
	"slices"
	"strconv"
	"strings"
)

// Opens is a bucket of which nothing is due before a moment of the namespace's own time.
type Opens struct {
	Bucket string
	US     int64
	By     string // the replica whose provider asked to wait; "" for a pause
}

// TellLimits returns the words that set the limits of a bucket for the whole fleet. Without limits they bring the
// replicas' configured limits back into force.
func TellLimits(bucket string, limits []Limit) []string {
	if len(limits) == 0 {
		return []string{"limit " + bucket}
	}
	var out []string
	for _, l := range limits {
		out = append(out, "limit "+bucket+" "+l.Field.String()+" "+l.text())
	}
	return out
}

// TellOpens returns the words that close a bucket for so many microseconds from now, at most half of 2^53; 0 opens it.
// The bucket is empty when it opens, except for slow limits beside a faster one. by is the replica whose provider asked
// for that, without blanks; "" for a pause.
func TellOpens(bucket string, us int64, by string) []string {
	return []string{strings.TrimSpace("opens " + bucket + " " + strconv.FormatInt(us, 10) + " " + by)}
}

// TellLevel returns the words that set the tokens of a bucket, 0 or more. Windows do not change. More than the burst
// counts as the burst.
func TellLevel(bucket string, tokens int64) []string {
	return []string{"level " + bucket + " " + strconv.FormatInt(tokens, 10)}
}

// TellSpent returns the words of a replica that has used a share of a bucket while it could not reach Redis. The bucket
// is empty now, and so many thousandths of tokens more are taken, 0 to a billion. A window is shut for its length.
func TellSpent(bucket string, thousandths int64) []string {
	return []string{"spent " + bucket + " " + strconv.FormatInt(thousandths, 10)}
}

// TellUnlearn returns the words that make the limits of a bucket forget what they have learnt of the provider.
func TellUnlearn(bucket string) []string { return []string{"unlearn " + bucket} }

// TellShadow returns the words that set shadow mode for the whole fleet: "on", "off", or "" for as each replica is
// configured.
func TellShadow(mode string) []string { return []string{strings.TrimSpace("shadow - " + mode)} }

// TellShadowed returns the words that set whether a bucket is in shadow mode: it delays nobody, and only records what
// it would have done.
func TellShadowed(bucket string, on bool) []string {
	if !on {
		return []string{"shadowed " + bucket}
	}
	return []string{"shadowed " + bucket + " on"}
}

// byClock moves the moments at which buckets open, because the namespace's own time is another after Redis has
// forgotten.
func byClock(text string, us int64) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		part := strings.Fields(line)
		if len(part) >= 3 && part[0] == "opens" {
			if at, err := strconv.ParseInt(part[2], 10, 64); err == nil {
				part[2] = strconv.FormatInt(max(0, at+us), 10)
				line = strings.Join(part, " ") + line[len(strings.TrimRight(line, "\n")):]
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

// settings holds the limits, pauses and modes that were set for a fleet.
type settings struct {
	opens    []Opens  // the buckets that are closed until a moment
	set      []string // buckets whose limits were set
	shadow   string   // shadow mode of the fleet: on, off, or "" for not set
	shadowed []string // buckets in shadow mode
}

func parseSettings(text string) (t settings) {
	for line := range strings.Lines(text) {
		part := strings.Fields(line)
		switch {
		case len(part) >= 3 && part[0] == "opens":
			if us, err := strconv.ParseInt(part[2], 10, 64); err == nil {
				t.opens = append(t.opens, Opens{part[1], us, strings.Join(part[3:], " ")})
			}
		case len(part) > 3 && part[0] == "limit" && !slices.Contains(t.set, part[1]):
			t.set = append(t.set, part[1])
		case len(part) == 3 && part[0] == "shadow":
			t.shadow = part[2]
		case len(part) == 3 && part[0] == "shadowed":
			t.shadowed = append(t.shadowed, part[1])
		}
	}
	return t
}
