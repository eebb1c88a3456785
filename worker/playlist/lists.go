package playlist

import (
	"fmt"
	"strings"
)

// reader collects the rows of an input. If the input contains several playlists, it collects those of one.
type reader struct {
	peek
	pick string // the name of the wanted playlist; empty if none was named
	list Playlist
	rows int // of the playlist, including those left out

	named  bool            // rows name the playlist they belong to
	others []string        // the first names of other playlists, as the input has them
	known  map[string]bool // all of them, up to maxLists
}

const (
	maxLists  = 1_000
	maxListed = 10 // names in an error
)

// wanted reports whether a row of a playlist is read, and remembers the names of other playlists. If none was chosen,
// the first playlist is read.
func (in *reader) wanted(list string) bool {
	if list == "" || in.named && list == in.list.Name {
		return true
	}
	if in.known[list] {
		return false
	}
	name := Clip(kept(list), MaxText)
	first := !in.named && in.pick == ""
	if first || in.named && strings.EqualFold(name, in.list.Name) || strings.EqualFold(name, OneLine(in.pick)) {
		in.named, in.list.Name = true, name
		return true
	}
	if len(in.known) == maxLists {
		return false
	}
	if in.known == nil {
		in.known = map[string]bool{}
	}
	in.known[strings.Clone(list)] = true
	if len(in.others) < maxListed {
		in.others = append(in.others, name)
	}
	return false
}

// call sets the name of the only playlist of an input.
func (in *reader) call(name string) {
	if !in.named {
		in.list.Name = Clip(kept(name), MaxText)
	}
}

// chosen refuses an input of several playlists if none was chosen, and an input without the chosen playlist.
func (in *reader) chosen() error {
	switch {
	case in.pick == "" && len(in.others) == 0, in.pick != "" && strings.EqualFold(OneLine(in.pick), in.list.Name):
		return nil
	case in.pick == "":
		all := append([]string{in.list.Name}, in.others...)
		return refuse(ReasonChoice, 0, "choose one by its name: "+names(all, 1+len(in.known)), "the input holds %d playlists", 1+len(in.known))
	case len(in.others) > 0:
		return refuse(ReasonChoice, 0, "choose one of "+names(in.others, len(in.known)), "the input holds no playlist %s", Quoted(in.pick))
	case in.list.Name != "":
		return refuse(ReasonChoice, 0, "choose it, or leave the name out", "the only playlist of the input is %s", Quoted(in.list.Name))
	default:
		return refuse(ReasonChoice, 0, "leave the name out", "the input does not name its playlist")
	}
}

// names lists the first of so many names in an error.
func names(first []string, all int) string {
	shown := make([]string, 0, maxListed)
	for _, name := range first[:min(len(first), maxListed)] {
		shown = append(shown, Quoted(name))
	}
	text := strings.Join(shown, ", ")
	if more := all - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
