package pay

import (
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// A NewOrder asks for an order. It names an amount with a description, or lines of the catalogue.
type NewOrder struct {
	Merchant    MerchantID
	Amount      Fen
	Lines       []Line
	Description string // required with Amount; made from the lines otherwise
	Reference   string
	Metadata    map[string]string
	ExpiresIn   time.Duration // 0: ExpiresInDefault
	ReturnURL   string
	Way         Way // of the first attempt; its zero value is Native

	// FromBrowser says that the request came with a publishable key, which anybody can read: it may not
	// name an amount, and may send the customer back to the merchant's own origins only.
	FromBrowser bool

	Once Once
}

// check finds what is wrong with n without looking at the catalogue.
func (n NewOrder) check(m Merchant) fields {
	var f fields
	switch {
	case len(n.Lines) == 0 && n.FromBrowser:
		f.add("items", "must name at least one product")
	case len(n.Lines) == 0 && n.Amount == 0:
		f.add("amount", "or items is required")
	case len(n.Lines) > 0 && n.Amount != 0:
		f.add("amount", "must be absent when items are given: the catalogue has the prices")
	case len(n.Lines) == 0 && (n.Amount < 1 || n.Amount > TotalMax):
		f.add("amount", fmt.Sprintf("must be from 1 to %d fen", TotalMax))
	case len(n.Lines) > LinesMax:
		f.add("items", fmt.Sprintf("must have at most %d lines", LinesMax))
	}
	if len(n.Lines) == 0 && n.Description == "" && !n.FromBrowser {
		f.add("description", "is required with an amount")
	}
	checkText(&f, "description", n.Description, DescriptionMax)
	checkText(&f, "reference", n.Reference, ReferenceMax)
	if n.ExpiresIn != 0 && (n.ExpiresIn < ExpiresInMin || n.ExpiresIn > ExpiresInMax) {
		f.add("expires_in", fmt.Sprintf("must be from %d to %d seconds",
			int(ExpiresInMin.Seconds()), int(ExpiresInMax.Seconds())))
	}
	n.Way.check(&f, m)
	n.checkMetadata(&f)
	n.checkReturnURL(&f, m)
	return f
}

func (n NewOrder) checkMetadata(f *fields) {
	if len(n.Metadata) > MetadataKeysMax {
		f.add("metadata", fmt.Sprintf("must have at most %d keys", MetadataKeysMax))
		return
	}
	for k, v := range n.Metadata {
		if k == "" || utf8.RuneCountInString(k) > MetadataKeyMax || !utf8.ValidString(k) {
			f.add("metadata", fmt.Sprintf("has a key that is not from 1 to %d characters", MetadataKeyMax))
			return
		}
		if utf8.RuneCountInString(v) > MetadataValueMax || !utf8.ValidString(v) {
			f.add("metadata", fmt.Sprintf("has a value over %d characters", MetadataValueMax))
			return
		}
	}
}

func (n NewOrder) checkReturnURL(f *fields, m Merchant) {
	if n.ReturnURL == "" {
		return
	}
	u, err := url.Parse(n.ReturnURL)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, len(n.ReturnURL) > URLMax:
		f.add("return_url", fmt.Sprintf("must be an http or https address of at most %d bytes", URLMax))
	case n.FromBrowser && !m.Allows(u.Scheme+"://"+u.Host):
		f.add("return_url", "must lie on one of the merchant's origins")
	}
}

// checkText holds what WeChat Pay lets into a text (doc 4012081709): characters of at most three bytes in
// UTF-8, so no emoji, and nothing that a payer's bill cannot show.
func checkText(f *fields, name, s string, limit int) {
	bad := func(r rune) bool { return r > 0xFFFF || r == utf8.RuneError || unicode.IsControl(r) }
	switch {
	case !utf8.ValidString(s), slices.ContainsFunc([]rune(s), bad):
		f.add(name, "must not hold emoji, other characters of four bytes, or control characters")
	case utf8.RuneCountInString(s) > limit:
		f.add(name, fmt.Sprintf("must have at most %d characters", limit))
	}
}
