package playlist

import (
	"slices"
	"strings"
	"unicode"
)

// The columns that are read.
const (
	refColumn = iota
	nameColumn
	artistsColumn
	artistRefsColumn // as many references as artists
	albumColumn
	releasedColumn
	msColumn       // the duration in milliseconds
	durationColumn // the duration in seconds, or such as "3:20"
	listColumn     // the playlist
	typeColumn     // the kind of the row
	columns
)

// headings are the names of the columns in exports, in the form of key. Exportify writes them in the language of its
// page: English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Turkish, Greek, Japanese, Arabic,
// Chinese in two scripts, Cantonese. An earlier name counts more than a later one.
func headings() [columns][]string {
	return [columns][]string{
		refColumn: {
			"trackuri", "uridutitre", "uridelacanción", "uridellatraccia", "uridafaixa", "nummeruri", "låtensuri", "parçauri", "uriκομματιού",
			"トラックuri", "رابطالأغنيةuri", "曲目uri", "歌link",
			"spotifyuri", "spotifytrackuri", "spotifyid", "spotifytrackid", "spotifyurl", "spotifylink", "trackid", "trackurl", "tracklink", "uri", "url", "link", "id",
		},
		nameColumn: {
			"trackname", "nomdutitre", "nombredelacanción", "nomedellatraccia", "nomedafaixa", "nummernaam", "låtensnamn", "parçaadı", "όνομακομματιού",
			"トラック名", "اسمالأغنية", "曲目名称", "曲目名稱", "歌名",
			"tracktitle", "songname", "songtitle", "title", "track", "song", "titel", "titre", "título", "titolo", "name",
		},
		artistsColumn: {
			"artistnames", "künstlernamen", "nomsdelartiste", "nombresdelartista", "nomedellartista", "nomesdoartista", "naamvanartiest", "artistensnamn",
			"sanatçıadı", "όνοματακαλλιτέχνη", "アーティスト名", "أسماءالفنانين", "艺人名称", "藝人名稱", "artist名",
			"artistname", "artists", "artist", "trackartist", "trackartists", "künstler", "interpret", "artiste", "artista", "artiest",
		},
		artistRefsColumn: {
			"artisturis", "artisturi", "artistids", "künstleruris", "urisdelartiste", "urisdelartista", "uridellartista", "urisdoartista", "artiesturi", "artistensuri",
			"sanatçıuri", "uriκαλλιτέχνηων", "アーティストuri", "روابطالفنانينuri", "艺人uri", "藝人uri", "artistlink",
		},
		albumColumn: {
			"albumname", "nomdelalbum", "nombredelálbum", "nomedellalbum", "nomedoálbum", "naamvanalbum", "albumetsnamn", "albümadı", "όνομαάλμπουμ",
			"アルバム名", "اسمالألبوم", "专辑名称", "專輯名稱", "專輯名",
			"albumtitle", "album",
		},
		releasedColumn: {
			"albumreleasedate", "releasedate", "veröffentlichungsdatumdesalbums", "datedesortiedelalbum", "fechadelanzamientodelálbum",
			"datadirilasciodellalbum", "datadelançamentodoálbum", "releasedatumvanhetalbum", "albumetsreleasedatum", "albümçıkıştarihi",
			"ημερομηνίακυκλοφορίαςάλμπουμ", "アルバム発売日", "تاريخإصدارالألبوم", "专辑发行日期", "專輯發行日期", "專輯發行日",
			"released", "releaseyear", "albumdate", "year",
		},
		msColumn: {
			"trackdurationms", "durationms", "trackdauerms", "duréedutitrems", "duracióndelacanciónms", "duratadellatracciams", "duraçãodafaixams",
			"nummerduurms", "låtlängdms", "parçasüresims", "διάρκειακομματιούms", "トラックの長さミリ秒", "مدةالأغنيةبالمللي ثانية", "مدةالأغنيةبالملليثانية",
			"曲目时长毫秒", "曲目長度毫秒", "曲目時長毫秒",
			"milliseconds",
		},
		durationColumn: {"duration", "trackduration", "length", "time", "durationseconds", "durations"},
		listColumn:     {"playlistname", "playlist"},
		typeColumn:     {"type"},
	}
}

// key returns a heading without the differences between tools: capitals, spaces, hyphens, brackets.
func key(heading string) string {
	if len(heading) > 200 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, heading)
}

// located finds the columns by their headings.
func located(header []string) (l layout) {
	keys := make([]string, len(header))
	for i, h := range header {
		keys[i] = key(h)
	}
	l.width = len(header)
	for c, names := range headings() {
		l.at[c] = -1
		for n, name := range names {
			if i := slices.Index(keys, name); i >= 0 {
				l.at[c] = i
				l.commas = l.commas || c == refColumn && n <= slices.Index(names, "spotifyuri")
				break
			}
		}
	}
	// The Exportify with semicolons has these column names. Its earlier form had commas, and the ids of the artists.
	l.semicolons = slices.Contains(keys, "artistnames") && slices.Contains(keys, "releasedate") && slices.Contains(keys, "durationms") && l.at[artistRefsColumn] < 0
	return l
}
