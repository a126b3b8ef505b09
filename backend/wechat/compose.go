package wechat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"saoma/backend/pay"
)

// A prepayRequest is the body of POST /v3/pay/transactions/native, /jsapi and /h5 (docs 4012791877, 4012791856,
// 4012791834), or of the same under /v3/pay/partner, exactly the fields that we use: WeChat Pay refuses unknown ones and null.
type prepayRequest struct {
	payee
	Description string `json:"description"`
	OutTradeNo  string `json:"out_trade_no"`
	TimeExpire  string `json:"time_expire"`
	NotifyURL   string `json:"notify_url"`
	Amount      struct {
		Total    pay.Fen `json:"total"`
		Currency string  `json:"currency"`
	} `json:"amount"`
	Payer     *payerOfRequest `json:"payer,omitempty"`      // JSAPI
	SceneInfo *sceneInfo      `json:"scene_info,omitempty"` // H5
}

// A payee is how an order, its callback and its query name whose it is: the first two of a direct merchant, the others
// of a service provider's (doc 4012738659).
type payee struct {
	AppID    string `json:"appid,omitempty"`
	MchID    string `json:"mchid,omitempty"`
	SpAppID  string `json:"sp_appid,omitempty"`
	SpMchID  string `json:"sp_mchid,omitempty"`
	SubAppID string `json:"sub_appid,omitempty"`
	SubMchID string `json:"sub_mchid,omitempty"`
}

func (a Account) requestPayee() payee {
	if a.SubMchID == "" {
		return payee{AppID: a.AppID, MchID: a.MchID}
	}
	return payee{SpAppID: a.AppID, SpMchID: a.MchID, SubAppID: a.SubAppID, SubMchID: a.SubMchID}
}

// payerOfRequest has one of the three: the customer under the appid of a direct merchant, of a service provider, or of
// its merchant.
type payerOfRequest struct {
	OpenID    string `json:"openid,omitempty"`
	SpOpenID  string `json:"sp_openid,omitempty"`
	SubOpenID string `json:"sub_openid,omitempty"`
}

func (a Account) requestPayer(openID string) *payerOfRequest {
	switch {
	case a.SubMchID == "":
		return &payerOfRequest{OpenID: openID}
	case a.SubAppID == "":
		return &payerOfRequest{SpOpenID: openID}
	}
	return &payerOfRequest{SubOpenID: openID}
}

type sceneInfo struct {
	PayerClientIP string `json:"payer_client_ip"`
	H5Info        struct {
		Type string `json:"type"`
	} `json:"h5_info"`
}

// Compose implements [pay.Gateway]. What WeChat Pay would refuse for certain is refused here, before it is
// stored for ever.
func (g *Gateway) Compose(p pay.Prepay) ([]byte, error) {
	a := g.account(p.Merchant)
	if a == nil {
		return nil, fmt.Errorf("merchant %.40q has no account", string(p.Merchant))
	}
	if err := check(p); err != nil {
		return nil, err
	}
	r := prepayRequest{
		payee:       a.requestPayee(),
		Description: p.Description,
		OutTradeNo:  p.OutTradeNo,
		// In China's own zone, without daylight saving since 1991, as in the documentation's examples.
		TimeExpire: p.ExpiresAt.In(time.FixedZone("", 8*60*60)).Format(time.RFC3339),
		NotifyURL:  a.NotifyURL,
	}
	r.Amount.Total, r.Amount.Currency = p.Total, pay.Currency
	switch p.Way.Channel {
	case pay.JSAPI:
		r.Payer = a.requestPayer(p.Way.OpenID)
	case pay.H5:
		r.SceneInfo = &sceneInfo{PayerClientIP: p.Way.ClientIP}
		r.SceneInfo.H5Info.Type = "Wap" // a page in a browser; the others are apps
	}
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
	if err := checkText("description", p.Description); err != nil {
		return err
	}
	// Their values name the payer and stay out of the text.
	switch w := p.Way; w.Channel {
	case "", pay.Native:
	case pay.JSAPI:
		if w.OpenID == "" || len(w.OpenID) > 128 {
			return errors.New("payer.openid must have 1 to 128 characters")
		}
	case pay.H5:
		if _, err := netip.ParseAddr(w.ClientIP); err != nil {
			return errors.New("scene_info.payer_client_ip must be an IP address")
		}
	default:
		return fmt.Errorf("channel %.40q is not known", string(w.Channel))
	}
	return nil
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
