package ui

import (
	"fmt"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// attr prepares the value of an attribute that holds words of others or the word "true".
//
// go-app writes an attribute into HTML with Go's quotes, not HTML's: a quotation mark in a merchant's name
// would end the attribute and let markup in, a no-break space would arrive as \u00a0, and "true" would lose
// its value, which switches aria-hidden off. So on the server the value is written in character references,
// which Go's quotes leave alone. In the browser go-app calls setAttribute, which takes the value as it is.
func attr(value string) string {
	if app.IsClient {
		return value
	}
	return reference(value)
}

func reference(value string) string {
	if value == "true" {
		return "&#116;rue"
	}
	var b strings.Builder
	for _, r := range value {
		if plain(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// plain reports whether a character means itself between Go's quotes and between HTML's.
func plain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3041 && r <= 0x30fe, r >= 0xac00 && r <= 0xd7a3:
		return true // Chinese characters, kana and hangul, for the sake of a readable and small page
	}
	return strings.ContainsRune(" -_.,:;/?=+~()%·¥，。、：（）", r)
}
