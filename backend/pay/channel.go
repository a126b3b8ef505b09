package pay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
)

// A Way is a channel, and what WeChat Pay must be told of the customer in it. The openid and the address name the
// payer: they stand in the attempt's request and nowhere else, neither in views, events, errors nor logs.
type Way struct {
	Channel  Channel // empty: Native
	OpenID   string  // with JSAPI: the customer under the merchant's appid
	ClientIP string  // with H5: the customer's own address, as the server sees it
}

// A BridgeCall is what a page inside WeChat hands to WeixinJSBridge.invoke('getBrandWCPayRequest', …), with the
// names that it wants (doc 4012791857). Only the payer whom the attempt is for can pay by it.
type BridgeCall struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"` // seconds, in a text
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"` // prepay_id=…
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

func (w Way) channel() Channel {
	if w.Channel == "" {
		return Native
	}
	return w.Channel
}

// payer stands for what the request says of the customer: for another customer it takes another attempt.
func (w Way) payer() string {
	if w.OpenID == "" && w.ClientIP == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(string(w.Channel) + "\n" + w.OpenID + "\n" + w.ClientIP))
	return hex.EncodeToString(sum[:])
}

// openID is the form of an openid: 128 characters at most (doc 4012791856).
var openID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// check finds what is wrong with w for a merchant. It repeats nothing that names the payer.
func (w Way) check(f *fields, m Merchant) {
	ch := w.channel()
	switch {
	case ch != Native && ch != JSAPI && ch != H5:
		f.add("channel", "must be native, jsapi or h5")
	case !m.Takes(ch):
		f.add("channel", fmt.Sprintf("must not be %s: this merchant is not configured for it", ch))
	}
	if (ch == JSAPI) != (w.OpenID != "") {
		f.add("openid", "is required with the channel jsapi, and not allowed with others")
	} else if w.OpenID != "" && !openID.MatchString(w.OpenID) {
		f.add("openid", "must be the customer's openid under the merchant's appid")
	}
	if (ch == H5) != (w.ClientIP != "") {
		f.add("client_ip", "is required with the channel h5, and not allowed with others")
	} else if w.ClientIP != "" && !isClient(w.ClientIP) {
		f.add("client_ip", "must be the customer's own address, not that of a proxy on this machine")
	}
}

// isClient reports whether an address can be a customer's. WeChat Pay wants the real one, never 127.0.0.1
// (doc 4012791834).
func isClient(text string) bool {
	ip, err := netip.ParseAddr(text)
	return err == nil && !ip.Unmap().IsLoopback() && !ip.IsUnspecified() && ip.Zone() == ""
}

// Switch lets the customer pay an order in the given way and returns the attempt to pay. If the live attempt is
// another, that is closed at WeChat Pay first, so that never two can be paid; if it is the same it is used again. An
// order that has expired is renewed in the way.
//
// If WeChat Pay refuses the way ([Declined]) the order is given a code to scan again.
func (c *Cashier) Switch(ctx context.Context, id OrderID, w Way) (Order, Attempt, error) {
	o, a, err := c.switchTo(ctx, id, w)
	if err != nil {
		return o, Attempt{}, fmt.Errorf("pay %s by %s: %w", id, w.channel(), err)
	}
	return o, a, nil
}

func (c *Cashier) switchTo(ctx context.Context, id OrderID, w Way) (o Order, a Attempt, err error) {
	if o, a, err = c.withLive(ctx, id); err != nil {
		return o, a, err
	}
	m, _ := c.Merchants.ByID(o.Merchant)
	var f fields
	if w.check(&f, m); len(f) > 0 {
		return o, a, f.err()
	}
	if a.suits(w) && !a.expired(c.Now()) {
		return c.again(ctx, o, a)
	}
	if o, err = c.reopen(ctx, o, a, w); err != nil {
		return o, a, err
	}
	if o, a, err = c.withLive(ctx, id); err == nil && !a.suits(w) { // paid by callback meanwhile, or renewed
		err = &Error{Code: Busy, Message: "the order has just changed; look again"}
	}
	return o, a, err
}

// suits reports whether the attempt is one of the way, and for this customer.
func (a Attempt) suits(w Way) bool { return a.Channel == w.channel() && a.Payer == w.payer() }

// again hands out what a live attempt is paid by, a fresh one if it has grown old.
func (c *Cashier) again(ctx context.Context, o Order, a Attempt) (Order, Attempt, error) {
	if a.State != AttemptOpen {
		return o, a, &Error{Code: Busy, Message: "WeChat Pay has not answered yet; ask again"}
	}
	life := ResultLife
	if a.Channel == H5 {
		life = H5URLLife
	}
	if c.Now().Before(a.PrepaidAt.Add(life)) {
		return o, a, nil
	}
	if _, err := c.ask(ctx, a); err != nil {
		return o, a, err
	}
	result, err := c.Gateway.Prepay(a.about(ctx), a.Merchant, a.Channel, a.Request)
	if err != nil {
		return o, a, &Error{Code: Unavailable, Message: "WeChat Pay did not answer; ask again", Err: err}
	}
	// A crash here costs nothing: the next wish gets another one.
	name := a.OutTradeNo
	err = c.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		if a, err = tx.Attempt(ctx, name); err != nil {
			return err
		}
		if a.State != AttemptOpen {
			return &Error{Code: Conflict, Message: "the order has just been paid or closed"}
		}
		a.PrepayResult, a.PrepaidAt = result, c.Now()
		return tx.UpdateAttempt(ctx, a, AttemptOpen)
	})
	return o, a, err
}

// Open returns the attempt by which an order can be paid now.
func (c *Cashier) Open(ctx context.Context, id OrderID) (Attempt, error) {
	_, a, err := c.withLive(ctx, id)
	switch {
	case err != nil:
		return a, fmt.Errorf("find the open attempt of %s: %w", id, err)
	case a.State != AttemptOpen:
		return a, &Error{Code: NotFound, Message: "the order cannot be paid now"}
	}
	return a, nil
}
