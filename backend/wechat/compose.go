package wechat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"saoma/backend/pay"
)

// A prepayRequest is the body of POST /v3/pay/transactions/native (doc 4012791877), exactly the fields that
// we use: WeChat Pay refuses unknown ones and null.
type prepayRequest struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	Description string `json:"description"`
	OutTradeNo  string `json:"out_trade_no"`
	TimeExpire  string `json:"time_expire"`
	NotifyURL   string `json:"notify_url"`
	Amount      struct {
		Total    pay.Fen `json:"total"`
		Currency string  `json:"currency"`
	} `json:"amount"`
}

// Compose implements [pay.Gateway]. What WeChat Pay would refuse for certain is refused here, before it is
// stored for ever.
func (g *Gateway) Compose(p pay.Prepay) ([]byte, error) {
	a := g.accounts[p.Merchant]
	if a == nil {
		return nil, fmt.Errorf("merchant %.40q has no account", string(p.Merchant))
	}
	if err := check(p); err != nil {
		return nil, err
	}
	r := prepayRequest{
		AppID:       a.AppID,
		MchID:       a.MchID,
		Description: p.Description,
		OutTradeNo:  p.OutTradeNo,
		// In China's own zone, without daylight saving since 1991, as in the documentation's examples.
		TimeExpire: p.ExpiresAt.In(time.FixedZone("", 8*60*60)).Format(time.RFC3339),
		NotifyURL:  a.NotifyURL,
	}
	r.Amount.Total, r.Amount.Currency = p.Total, pay.Currency
	return json.Marshal(r)
}

func check(p pay.Prepay) error {
	// WeChat Pay also takes _-|* in a number, but they need escaping in paths (doc 4012791877).
	if n := len(p.OutTradeNo); n < 6 || n > 32 || strings.Trim(p.OutTradeNo, capitals+letters+digits) != "" {
		return fmt.Errorf("out_trade_no %.40q must be 6 to 32 letters and digits", p.OutTradeNo)
	}
	switch {
	case p.Total <= 0:
		return fmt.Errorf("total must be above 0 fen, not %d", p.Total)
	case p.ExpiresAt.IsZero():
		return errors.New("time_expire is missing")
	case p.Description == "" || utf8.RuneCountInString(p.Description) > pay.DescriptionMax:
		return fmt.Errorf("description must have 1 to %d characters", pay.DescriptionMax)
	}
	return checkText("description", p.Description)
}

// checkText holds what WeChat Pay takes in every text (doc 4012081709).
func checkText(field, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s must be UTF-8", field)
	}
	for _, r := range text {
		if r > 0xFFFF { // four bytes in UTF-8, such as emoji
			return fmt.Errorf("%s must not contain %q: WeChat Pay takes no such character", field, r)
		}
	}
	return nil
}
