package ui

import (
	"slices"
	"strings"
)

// texts is every word a customer reads, in one language. A new language is one more entry of languages;
// a word left out is found by a test.
type texts struct {
	Tag       string // the language, as HTML's lang attribute has it
	Title     string // of the document: amount, payee
	TitlePaid string // amount, payee

	// Yuan stands before an amount of yuan. It is the one of the Unicode CLDR: "¥" alone means yen in Japan and
	// may mean either in the other languages. Japanese differs from the CLDR, whose "元 12.80" no shop writes.
	Yuan string

	What  string // between the names of two items
	More  string // number of items not named
	Count string // name, quantity

	Asking    string
	Scan, How string
	CodeName  string // the QR code read aloud: amount, payee
	CodeReady string
	Left      string
	Minutes   string // spoken: minutes left, more than one
	Minute    string // spoken: one minute left
	Seconds   string // spoken: seconds left
	Checking  string

	SecondScan, SecondHow    string // the page is on the phone that would have to scan it
	Enlarge, Bright, Restore string

	Here, H5How, JSAPIHow, HereFailed   string // the phone that shows the page can pay
	Gone, GoneHow                       string // the customer has left for WeChat and is back
	Open, OpenAgain, Opening, Elsewhere string

	Lost, Heard, Slow, Retry string

	HavePaid, AskingNow, NotPaid string
	Help, HelpHow                string
	Renew, Renewing, RenewFailed string
	SoldOut, TooMany             string
	Missing, MissingHow          string // there is no such order
	Unopened, UnopenedHow        string // the page cannot be shown just now
	OpensItself                  string // it can in a moment

	Cancel, Sure, SureYes, SureNo, Cancelling, CancelFailed string

	Paid, Late, PaidAt, Zone, Reference, OrderID, PartRefunded string
	Expired, ExpiredHow                                        string
	Cancelled, CancelledHow                                    string
	Refunded, RefundedHow                                      string
	Return, Done, Print, NoInvoice                             string
	By                                                         string
	Speech                                                     string // the payment said aloud: the amount as it is spoken
}

// languages are what we speak. The first is spoken to whoever wants another one: most who pay with WeChat read
// Chinese. Nothing writes to it.
var languages = []*texts{&chinese, &traditional, &english, &japanese, &korean}

// Refusal is what a customer is told of a refused checkout, by the code of the problem, or "" if only the shop can do
// something about it.
func Refusal(lang, code string) string {
	switch t := textsOf(lang); code {
	case "out_of_stock":
		return t.SoldOut
	case "too_many_requests", "overloaded":
		return t.TooMany
	}
	return ""
}

// An Apology stands in the place of a page that cannot be shown. Retry is the name of the button, "" if nothing would come
// of another try.
type Apology struct{ Title, How, Retry string }

// Apologize finds the words for the code of a problem.
func Apologize(lang, code string) Apology {
	t := textsOf(lang)
	if code == "not_found" {
		return Apology{Title: t.Missing, How: t.MissingHow}
	}
	if words := Refusal(lang, code); words != "" {
		return Apology{Title: words, How: t.OpensItself, Retry: t.Retry}
	}
	return Apology{Title: t.Unopened, How: t.UnopenedHow, Retry: t.Retry}
}

// MatchLang chooses the language to paint a page in: the first of the wanted tags that we have, each falling back
// along itself ("en-GB" to "en", "zh-Hant-HK" to "zh-TW"). A wanted tag may be a whole Accept-Language header; its
// order is taken, its weights are not, since browsers sort it.
func MatchLang(wanted ...string) string {
	for _, list := range wanted {
		for tag := range strings.SplitSeq(list, ",") {
			tag, _, _ = strings.Cut(tag, ";")
			if t := match(strings.ToLower(strings.TrimSpace(tag))); t != nil {
				return t.Tag
			}
		}
	}
	return languages[0].Tag
}

// match returns the texts for one tag in lower case, or nil. Chinese is told apart by its script, or else by the
// regions that write it in the traditional one.
func match(tag string) *texts {
	parts := strings.Split(tag, "-")
	if parts[0] == "zh" {
		hant := slices.ContainsFunc(parts, func(p string) bool { return p == "hant" || p == "tw" || p == "hk" || p == "mo" })
		if hant && !slices.Contains(parts, "hans") {
			return &traditional
		}
		return &chinese
	}
	for _, t := range languages {
		if t.Tag == parts[0] {
			return t
		}
	}
	return nil
}

func textsOf(lang string) *texts {
	if t := match(strings.ToLower(lang)); t != nil {
		return t
	}
	return languages[0]
}
