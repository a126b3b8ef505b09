package wechat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"saoma/backend/pay"
)

// Bridge signs a prepay_id for a page inside WeChat. It does not call WeChat Pay.
func (g *Gateway) Bridge(m pay.MerchantID, prepayID string) (pay.BridgeCall, error) {
	a := g.account(m)
	if a == nil {
		return pay.BridgeCall{}, fmt.Errorf("merchant %.40q has no account", string(m))
	}
	c := pay.BridgeCall{
		AppID: a.pageAppID(), TimeStamp: strconv.FormatInt(time.Now().Unix(), 10), NonceStr: rand.Text(),
		Package: "prepay_id=" + prepayID, SignType: "RSA",
	}
	signed, err := a.client.Sign(context.Background(), bridgeMessage(c)) // which the SDK ignores
	if err != nil {
		return pay.BridgeCall{}, fmt.Errorf("sign the call of the page: %w", errors.New(oneLine(err.Error())))
	}
	c.PaySign = signed.Signature
	return c, nil
}

// bridgeMessage is what paySign signs: each line is ended, the last one too (doc 4012365339).
func bridgeMessage(c pay.BridgeCall) string {
	return c.AppID + "\n" + c.TimeStamp + "\n" + c.NonceStr + "\n" + c.Package + "\n"
}
