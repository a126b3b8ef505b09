package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"saoma/backend/pay"
)

// A productBody is what PUT /v1/products/{sku} says of a product: all of it.
type productBody struct {
	Name       string `json:"name" minLength:"1" maxLength:"127" doc:"What the customer reads, also in WeChat"`
	Price      int64  `json:"price" minimum:"1" maximum:"1000000000" doc:"Fen, for one"`
	Stock      *int64 `json:"stock,omitempty" minimum:"0" maximum:"1000000000" nullable:"true" doc:"How many can still be ordered, beside those in orders that wait for their payment. Absent or null: not counted"`
	PictureURL string `json:"picture_url,omitempty" maxLength:"2048" doc:"An https address"`
	Active     *bool  `json:"active,omitempty" nullable:"false" doc:"For sale; true when absent"`
}

// A productView is a product as the merchant's server sees it.
type productView struct {
	SKU        string `json:"sku"`
	Name       string `json:"name"`
	Price      int64  `json:"price" doc:"Fen, for one"`
	Currency   string `json:"currency" enum:"CNY"`
	Stock      *int64 `json:"stock" nullable:"true" doc:"How many can still be ordered; null: not counted. Below zero after late money for what had been sold to others"`
	Reserved   int64  `json:"reserved" doc:"How many are in orders that wait for their payment; they are not in stock any more"`
	PictureURL string `json:"picture_url"`
	Active     bool   `json:"active" doc:"For sale"`
	Version    int64  `json:"version" doc:"Grows with every change, also of the stock"`
}

type productAnswer struct {
	Status int
	ETag   string `header:"ETag" doc:"The version in quotes, for If-Match"`
	Body   productView
}

type productSKU struct {
	SKU string `path:"sku" minLength:"1" maxLength:"64" example:"latte" doc:"Your own short name of the product"`
}

func (s *Server) putProduct(ctx context.Context, in *struct {
	SKU     string `path:"sku" minLength:"1" maxLength:"64" example:"latte" doc:"Your own short name of the product"`
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you read; the product is left alone if it has changed since"`
	Body    productBody
}) (*productAnswer, error) {
	version, err := versionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	p := pay.Product{
		Merchant: merchant(ctx).ID, SKU: in.SKU, Name: b.Name, Price: pay.Fen(b.Price), Picture: b.PictureURL,
		Off: b.Active != nil && !*b.Active, Limited: b.Stock != nil,
	}
	if b.Stock != nil {
		p.Stock = *b.Stock
	}
	made, p, err := s.Cashier.PutProduct(ctx, p, version)
	if err != nil {
		return nil, err
	}
	out := answerProduct(p)
	if made {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (s *Server) readProduct(ctx context.Context, in *productSKU) (*productAnswer, error) {
	var p pay.Product
	err := s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		p, err = tx.Product(ctx, merchant(ctx).ID, in.SKU)
		return err
	})
	if err != nil {
		return nil, notFound(err, "no such product")
	}
	return answerProduct(p), nil
}

func (s *Server) deleteProduct(ctx context.Context, in *struct {
	SKU     string `path:"sku" minLength:"1" maxLength:"64" example:"latte" doc:"Your own short name of the product"`
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you read; the product is left alone if it has changed since"`
}) (*struct{}, error) {
	version, err := versionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.Cashier.DeleteProduct(ctx, merchant(ctx).ID, in.SKU, version)
}

type productFilter struct {
	Active  string `query:"active" enum:"true,false" doc:"Only those for sale, or only those that are not"`
	SoldOut bool   `query:"sold_out" doc:"Only those of which none is left"`
	Search  string `query:"search" maxLength:"64" doc:"Part of the name or of the SKU"`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor  string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
}

type productList struct {
	Body struct {
		Data       []productView `json:"data" nullable:"false"`
		NextCursor string        `json:"next_cursor" doc:"Empty on the last page"`
	}
}

func (s *Server) listProducts(ctx context.Context, in *productFilter) (*productList, error) {
	var list []pay.Product
	err := s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		list, err = tx.Products(ctx, pay.ProductFilter{
			Merchant: merchant(ctx).ID, On: in.Active == "true", Off: in.Active == "false", SoldOut: in.SoldOut,
			Search: in.Search, After: in.Cursor,
			Limit: in.Limit + 1, // one more tells whether there is a next page
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &productList{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.NextCursor = list[in.Limit-1].SKU
	}
	out.Body.Data = make([]productView, len(list))
	for i, p := range list {
		out.Body.Data[i] = viewOfProduct(p)
	}
	return out, nil
}

func answerProduct(p pay.Product) *productAnswer {
	return &productAnswer{Status: http.StatusOK, ETag: fmt.Sprintf("%q", strconv.FormatInt(p.Version, 10)), Body: viewOfProduct(p)}
}

func viewOfProduct(p pay.Product) productView {
	v := productView{
		SKU: p.SKU, Name: p.Name, Price: int64(p.Price), Currency: pay.Currency, Reserved: p.Reserved,
		PictureURL: p.Picture, Active: !p.Off, Version: p.Version,
	}
	if p.Limited {
		v.Stock = &p.Stock
	}
	return v
}

// versionOf reads the version that an If-Match names (RFC 9110, 13.1.1). None and "*" name any.
func versionOf(match string) (int64, error) {
	if match == "" || match == "*" {
		return pay.AnyVersion, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(match, "W/"), `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, &problem{Status: http.StatusUnprocessableEntity, Code: string(pay.Invalid), Detail: "mend If-Match",
			Errors: []problemField{{"If-Match", "must be an ETag of ours, or absent"}}}
	}
	return n, nil
}
