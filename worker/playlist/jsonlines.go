package playlist

import (
	"encoding/json"
	"strings"
)

// isJSONLines recognises a line that is an object, and another line after it that begins one.
func isJSONLines(p peek) bool {
	if !strings.HasPrefix(p.line, "{") {
		return false
	}
	_, rest, _ := strings.Cut(strings.TrimLeft(p.text, " \t\r\n"), "\n")
	return strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), "{") && json.Valid([]byte(p.line))
}

// readJSONLines reads an entry of each line.
func readJSONLines(in *reader) error {
	n := 0
	for line := range strings.Lines(in.text) {
		n++
		whole := strings.HasSuffix(line, "\n")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			if !whole {
				return refuse(ReasonTruncated, n, exportAgain, "the JSON ends in the middle, the file is cut off")
			}
			return refuse(ReasonMalformed, n, "correct it, or "+exportAgain, "this is not JSON")
		}
		if err := in.add(e.row(n)); err != nil {
			return err
		}
	}
	return nil
}
