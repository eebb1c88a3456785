package lua_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-go/weir/lua"
)

var write = flag.String("write", "", "folder to write the scripts to, as Redis runs them")

// TestScriptsForCheck writes each script as it is composed to a file, for luacheck: fragments alone name locals of others.
func TestScriptsForCheck(t *testing.T) {
	if *write == "" {
		t.Skip("no test: it writes the scripts for luacheck, to the folder that -args -write names")
	}
	for name, text := range lua.Sources() {
		if err := os.WriteFile(filepath.Join(*write, name+".lua"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
