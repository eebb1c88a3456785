package playlist

import "strings"

// isLinks recognises a list of references, as Spotify's own program makes when tracks are copied: each line has only
// references.
func isLinks(p peek) bool {
	line := p.line
	if strings.HasPrefix(line, "#") { // a comment, as text/uri-list has them
		for l := range strings.SplitSeq(p.head, "\n") {
			if line = strings.TrimSpace(l); line != "" && !strings.HasPrefix(line, "#") {
				break
			}
		}
	}
	found := false
	for f := range strings.FieldsSeq(line) {
		if k, _ := reference(strings.TrimRight(f, ",;")); k == nothing || k == foreign {
			return false
		}
		found = true
	}
	return found
}

// readLinks reads references, on lines of their own or with space between them. Other words are left out.
func readLinks(in *reader) error {
	n := 0
	for line := range strings.Lines(in.text) {
		n++
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for ref := range strings.FieldsSeq(line) {
			r := row{line: n, ref: strings.TrimRight(ref, ",;"), bare: true}
			if k, _ := reference(r.ref); k == foreign {
				r.why = WhyDamaged
			}
			if err := in.add(r); err != nil {
				return err
			}
		}
	}
	return nil
}
