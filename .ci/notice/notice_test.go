package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// licence returns the text of an MIT licence.
func licence(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadsLicences(t *testing.T) {
	mit := licence(t)
	gpl := "GNU GENERAL PUBLIC LICENSE\n\nThis program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // the licence, or a part of the error
	}{
		"MIT":                        {map[string]string{"LICENSE": mit}, "MIT"},
		"another name":               {map[string]string{"COPYING": mit}, "MIT"},
		"with a notice":              {map[string]string{"LICENSE.txt": mit, "NOTICE": "thanks"}, "MIT"},
		"a licence that is refused":  {map[string]string{"LICENSE": gpl}, "is not a permitted licence"},
		"one permitted, one refused": {map[string]string{"LICENSE": mit + "\n" + gpl}, "is not a permitted licence"},
		"an unknown text":            {map[string]string{"LICENSE": "Ask me first."}, "is the text of a known licence"},
		"none":                       {map[string]string{"README": mit}, "no file with a licence"},
		"two":                        {map[string]string{"LICENSE": mit, "COPYING": mit}, "several files"},
	} {
		m, err := readOne("example.test/m", folder(t, c.files))
		got := m.licence
		if err != nil {
			got = err.Error()
		}
		t.Logf("%-28s %s", name, got)
		if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if err == nil && (len(m.copyrights) != 1 || strings.Contains(m.text, m.copyrights[0])) {
			t.Errorf("%s: copyright lines %q, want one that is not in the text %q", name, m.copyrights, m.text)
		}
	}
}

func TestComparesWithWhatIsLinked(t *testing.T) {
	a := module{path: "example.test/a", licence: "MIT", copyrights: []string{"Copyright (c) A"}, text: "text"}
	b := module{path: "example.test/b", licence: "Apache-2.0", text: "other text", notice: "thanks"}
	other := a
	other.licence = "ISC"
	held := a
	held.copyrights = []string{"Copyright (c) B"}
	for name, c := range map[string]struct {
		present, linked []module
		want            string
	}{
		"the same":          {[]module{a, b}, []module{a, b}, ""},
		"one is missing":    {[]module{a}, []module{a, b}, "example.test/b is linked and is not in NOTICE"},
		"one is too many":   {[]module{a, b}, []module{a}, "example.test/b is in NOTICE and is not linked"},
		"another licence":   {[]module{a}, []module{other}, "has the licence ISC, but NOTICE says MIT"},
		"another copyright": {[]module{a}, []module{held}, "texts in NOTICE"},
	} {
		got := ""
		if err := compare(page(c.present), c.linked); err != nil {
			got = err.Error()
		}
		t.Logf("%-18s %q", name, got)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
