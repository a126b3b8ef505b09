package ui

import (
	"net/url"
	"slices"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// here returns the channel in which the order can be paid on the very phone that shows the page, or "".
func (c *Checkout) here() string {
	for _, ch := range []string{wire.ChannelJSAPI, wire.ChannelH5} {
		if slices.Contains(c.Page.Channels, ch) {
			return ch
		}
	}
	return ""
}

// onThisPhone offers to pay with the WeChat of this phone; a code for another one is the second choice.
func (c *Checkout) onThisPhone(o wire.Order) app.UI {
	return app.Section().Class("stage here").Body(
		c.card(o), c.words(), c.notes(), c.toWeChat(o), c.toAnotherPhone(o), c.foot(o))
}

// toWeChat is a link, for that works in a frame and without scripts: it leads the whole window to WeChat. Inside
// WeChat, once the customer is known there, the script pays in place of following it.
func (c *Checkout) toWeChat(o wire.Order) app.UI {
	t, ch := c.texts(), c.here()
	if o.Status == wire.StatusCreated {
		return waiting("opening", t.Opening)
	}
	text := t.Open
	if c.gone(o) {
		text = t.OpenAgain
	}
	step := map[string]string{wire.ChannelJSAPI: "/wechat", wire.ChannelH5: "/h5"}[ch]
	query := url.Values{"lang": {c.Page.Lang}}
	if c.Page.Back != "" {
		query.Set("back", c.Page.Back)
	}
	return app.A().ID("saoma-open").Class("filled").Target("_top").Rel("nofollow").
		Href(attr("/checkout/" + url.PathEscape(o.Token) + step + "?" + query.Encode())).Text(text)
}

// toAnotherPhone shows the code large, or gets one if the order waits to be paid in another channel.
func (c *Checkout) toAnotherPhone(o wire.Order) app.UI {
	if o.CodeURL == "" {
		return act("renew", "outlined", c.texts().Elsewhere)
	}
	return act("enlarge", "outlined", c.texts().Elsewhere)
}

// gone reports whether the customer has left for WeChat before, and may have paid there.
func (c *Checkout) gone(o wire.Order) bool { return o.Channel == wire.ChannelH5 }

// ask says what the customer should do, and how.
func (c *Checkout) ask(o wire.Order) (scan, how string) {
	t := c.texts()
	switch ch := c.here(); {
	case c.needsSecondDevice():
		return t.SecondScan, t.SecondHow
	case ch == "":
		return t.Scan, t.How
	case c.Page.Failed != "" && o.Version == c.Page.Order.Version:
		return t.Here, t.HereFailed
	case c.gone(o):
		return t.Gone, t.GoneHow
	case ch == wire.ChannelH5:
		return t.Here, t.H5How
	default:
		return t.Here, t.JSAPIHow
	}
}
