package evidence

import "strings"

// recognise returns which part of which limit a header contains, by the header's name. It allocates nothing for a
// header that is not about limits.
func recognise(key string) (field, bool) {
	if len(key) < len("RateLimit") || len(key) > maxKey {
		return field{}, false
	}
	switch key[0] | 0x20 { // excludes most headers of most answers
	case 'a', 'r', 'x':
	default:
		return field{}, false
	}
	if rest, ok := cutPrefix(key, "Anthropic-RateLimit"); ok {
		return ofLimit(key, rest, 2)
	}
	if strings.EqualFold(key, "X-Ms-Retry-After-Ms") {
		return field{part: retryMS, rank: 1, key: key}, true
	}
	rank := uint8(0)
	rest, x := cutPrefix(key, "X-")
	if x {
		rank = 1
	}
	if word, ok := cutPrefix(rest, "Retry-After"); ok {
		switch {
		case word == "":
			return field{part: retry, rank: rank, key: key}, true
		case strings.EqualFold(word, "-Ms"):
			return field{part: retryMS, rank: rank, key: key}, true
		}
		return field{}, false
	}
	for _, prefix := range [...]string{"RateLimit", "Rate-Limit"} {
		if word, ok := cutPrefix(rest, prefix); ok {
			return ofLimit(key, word, rank)
		}
	}
	return field{}, false
}

// ofLimit reads the rest of a header's name after RateLimit: a dash and the part, and before or after the part the name
// of the limit.
func ofLimit(key, rest string, rank uint8) (field, bool) {
	f := field{rank: rank, key: key}
	if rest == "" {
		f.part = current
		return f, rank == 0
	}
	if rest[0] != '-' {
		return field{}, false
	}
	word := strings.ToLower(rest[1:])
	switch word {
	case "policy":
		f.part = policy
		return f, rank == 0 // with X- the value can be anything
	case "retry-after":
		f.part, f.rank = retry, rank+1
		return f, true
	case "resource", "bucket": // GitHub and Discord have a limit for each resource, and name it here
		f.part = title
		return f, true
	case "reset-after":
		f.part = resetAfter
		return f, true
	case "reset-ms", "reset-after-ms":
		f.part = resetMS
		return f, true
	}
	first, name, _ := strings.Cut(word, "-")
	if f.part = partOf(first); f.part == 0 {
		dash := strings.LastIndexByte(word, '-')
		if dash < 0 {
			return field{}, false
		}
		f.part, name = partOf(word[dash+1:]), word[:dash]
	}
	f.quota = name
	return f, f.part != 0 && isName(name)
}

func partOf(word string) part {
	switch word {
	case "limit":
		return limit
	case "remaining":
		return remaining
	case "reset":
		return reset
	default:
		return 0
	}
}

// isName reports whether a name of a limit has only the characters of header names. A key of the map may have others.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// cutPrefix is strings.CutPrefix that ignores case.
func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
