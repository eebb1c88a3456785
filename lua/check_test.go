package lua_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-go/weir/lua"
)

var write = flag.String("write", "", "folder to write the scripts to, as Redis runs them")

// TestScriptsForCheck writes each composed script to a file for luacheck. luacheck cannot check a single fragment, because
// a fragment uses locals of other fragments.
func TestScriptsForCheck(t *testing.T) {
	if *write == "" {
		t.Skip("not a test: with -args -write FOLDER it writes the scripts for luacheck to that folder")
	}
	for name, text := range lua.Sources() {
		if err := os.WriteFile(filepath.Join(*write, name+".lua"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
