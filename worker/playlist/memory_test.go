package playlist_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/weir-go/weir/worker/playlist"
)

// filled is a text with a repeated part.
type filled struct{ before, part, after string }

// String is the longest text that is read.
func (f filled) String() string {
	return f.before + strings.Repeat(f.part, (playlist.MaxBytes-len(f.before)-len(f.after))/len(f.part)) + f.after
}

// greedy are inputs of the greatest length that Parse reads. Each would take much memory in one part of a reader.
func greedy() map[string]filled {
	return map[string]filled{
		"columns in one row":              {header, ",", ""},
		"columns in the heading":          {"", ",", ""},
		"tabs":                            {"", "a\t", ""},
		"short rows":                      {header, "a\n", ""},
		"rows that are left out":          {header, ",a\n", ""},
		"doubled quotes":                  {header + id1 + `,"`, `""`, `",x`},
		"artists":                         {header + id1 + `,x,"`, "a,", `"`},
		"artists with semicolons":         {header + id1 + `,x,"`, "a;", `"`},
		"artists as a list of Python":     {header + id1 + `,x,"['`, "a', '", `']"`},
		"artists alone":                   {header, id1 + ",a,b\n", ""},
		"words in a name":                 {header + id1 + ",", "a ", ",x"},
		"colons in a reference":           {header + "spotify:track", ":a", ",b,x"},
		"hyphens in a date":               {"A,B\n" + id1 + ",1", "-1", ""},
		"playlists":                       {"Track Name,Artist Name,Playlist Name\n", "a,b,c\na,b,d\n", ""},
		"links":                           {"", id1 + " ", ""},
		"comments":                        {"#EXTM3U\n", "#a\n", ""},
		"files":                           {"#EXTM3U\n", "a\n", ""},
		"one long file":                   {"#EXTINF:1,", "a ", "\nx"},
		"brackets":                        {"", "[", ""},
		"braces":                          {"", `{"tracks":`, ""},
		"empty objects":                   {"[", "{},", "{}]"},
		"texts":                           {"[", `"",`, `""]`},
		"nulls":                           {"[", `null,`, `null]`},
		"artists in JSON":                 {`[{"name":"a","artists":[`, `{},`, `{}]}]`},
		"a track in a track":              {`[{"track":`, `{"track":`, ""},
		"keys":                            {`{"a":1`, `,"a":1`, "}"},
		"a long key":                      {`{"`, `a`, `":[]}`},
		"something to skip":               {`{"a":[`, `{},`, `{}],"tracks":[{"name":"a"}]}`},
		"playlists in JSON":               {`{"playlists":[`, `{},`, `{}]}`},
		"a name":                          {`{"name":"`, `a `, `","tracks":[{"name":"a"}]}`},
		"JSON lines":                      {"", "{}\n", ""},
		"UTF-16":                          {"\xff\xfe", "\x42\x30", ""},
		"UTF-16 of columns":               {"\xff\xfe", ",\x00", ""},
		"carriage returns":                {"", "a\r", ""},
		"blank lines":                     {"", "\n", ""},
		"ten thousand tracks":             {header, id1 + "," + strings.Repeat("x", 990) + "," + strings.Repeat("y", 590) + "\n", ""},
		"nothing but spaces before a tab": {"", " ", "\t"},
	}
}

// maxMemory is the memory, in MiB, that a process that reads the longest input may take from the operating system. It includes garbage that is
// not collected yet, the input itself and the runtime.
const maxMemory = 160

// TestMemory reads each greedy input in a process of its own, which prints how much memory it has taken from the operating system.
func TestMemory(t *testing.T) {
	if name := os.Getenv("WEIR_GREEDY"); name != "" {
		input := strings.NewReader(greedy()[name].String())
		runtime.GC()
		_, err := playlist.Parse(input)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Printf("taken %d\n", (m.HeapSys+m.StackSys)>>20)
		_, _ = fmt.Fprintln(io.Discard, err)
		return
	}
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	for name := range greedy() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemory$", "-test.v")
			child.Env = append(os.Environ(), "WEIR_GREEDY="+name)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("the child process: %v; it printed %s", err, out)
			}
			var taken int
			_, after, _ := strings.Cut(string(out), "taken ")
			if _, err := fmt.Sscan(after, &taken); err != nil {
				t.Fatalf("the child process printed no number of MiB: %v in %s", err, out)
			}
			t.Logf("%d MiB", taken)
			if taken > maxMemory {
				t.Errorf("the process took %d MiB, want %d at most", taken, maxMemory)
			}
		})
	}
}
