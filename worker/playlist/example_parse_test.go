package playlist_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-go/weir/worker/playlist"
)

// What can be read as a playlist? Exports, downloads, tables and links. Rows that cannot be used are counted, not hidden.
func ExampleParse() {
	export := "Track name;Artist name;Spotify URI\n" +
		"Creep;Radiohead;spotify:track:70LcF31zb1H0PyJoS1Sx1r\n" +
		"Demo;Me;spotify:local:Me::Demo:120\n"
	p, err := playlist.Parse(strings.NewReader(export))
	if err != nil {
		panic(err)
	}
	for _, t := range p.Tracks {
		fmt.Println(t.Name, t.Artists, t.URI())
	}
	fmt.Println(p.Format, "of", p.Rows(), "rows, left out:", p.Omissions())
	// Output:
	// Creep [Radiohead] spotify:track:70LcF31zb1H0PyJoS1Sx1r
	// CSV of 2 rows, left out: 1 local file
}

// A file is no playlist. What does its owner read? One line that says what is wrong and what to do.
func ExampleParseError() {
	for _, input := range []string{"", "<!DOCTYPE html><html>", "Weekday;Weather\nMonday;rain\n"} {
		_, err := playlist.Parse(strings.NewReader(input))
		if e, ok := errors.AsType[*playlist.ParseError](err); ok {
			fmt.Printf("%s (line %d), to fix it: %t\n", e.Reason, e.Line, e.Fix != "")
		}
	}
	// Output:
	// empty (line 0), to fix it: true
	// no playlist (line 0), to fix it: true
	// columns (line 1), to fix it: true
}
