package main

import (
	"fmt"
	"strings"
)

const (
	head = `weir is Copyright (c) 2026 The weir authors and has the MIT licence, which is in the file LICENSE.

The programs worker and inspect link the modules of this table. Not every platform links all of them. The copyright lines, the notices
that must be passed on, and the texts of the licences follow the table. The command .ci/notice.sh writes this file.

`
	rule = "----------------------------------------------------------------------------"
)

// page returns the content of NOTICE.
func page(modules []module) string {
	var b strings.Builder
	b.WriteString(head)
	for _, m := range modules {
		fmt.Fprintf(&b, "| %-68s | %-27s |\n", m.path, m.licence)
	}
	section := func(title string) { fmt.Fprintf(&b, "\n%s\n%s\n", rule, title) }
	section("Copyright")
	for _, m := range modules {
		if len(m.copyrights) > 0 {
			fmt.Fprintf(&b, "\n%s\n    %s\n", m.path, strings.Join(m.copyrights, "\n    "))
		}
	}
	for _, m := range modules {
		if m.notice != "" {
			section("Notice of " + m.path)
			fmt.Fprintf(&b, "\n%s\n", m.notice)
		}
	}
	for _, of := range texts(modules) {
		section("Licence of\n" + strings.Join(of.paths, "\n"))
		fmt.Fprintf(&b, "\n%s\n", of.text)
	}
	return b.String()
}

type shared struct {
	text  string
	paths []string
}

// texts returns each text once, with the modules that have it. Texts that differ only in white space count as the same.
func texts(modules []module) []*shared {
	var all []*shared
	known := map[string]*shared{}
	for _, m := range modules {
		key := strings.Join(strings.Fields(m.text), " ")
		if known[key] == nil {
			known[key] = &shared{text: m.text}
			all = append(all, known[key])
		}
		known[key].paths = append(known[key].paths, m.path)
	}
	return all
}

// table returns the licences of the modules in the table of a NOTICE, by module path.
func table(page string) map[string]string {
	rows := map[string]string{}
	for line := range strings.SplitSeq(page, "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 4 && cells[0] == "" && cells[3] == "" {
			rows[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	return rows
}
