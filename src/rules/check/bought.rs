//! Lists without what another list has, or without what the customer bought.

use crate::base::limits::MAX_LISTED_VALUES;
use crate::model::declaration::{Named, PurchaseDeclaration};
use crate::model::value::Type;
use crate::rules::expression::{Aggregate, Bound, Expr, Function, Source};
use crate::rules::lists::Items;
use crate::rules::syntax::Node;

use super::expression::Checker;
use super::typed::Typed;

impl Checker<'_> {
    /// `list.without(other)`.
    pub(super) fn without(&mut self, list: &Node, other: &Node) -> Option<Typed> {
        let (list, other) = (self.list_of(list), self.list_of(other));
        let (list, other) = (list?, other?);
        Some(Typed::new(Expr::Without(Box::new(list.expr), Box::new(other.expr)), list.ty))
    }

    /// `not_bought(list)` or `not_bought(list, "365d")`: the list without each product of each purchase.
    pub(super) fn not_bought(&mut self, list: &Node, within: Option<&Node>, node: &Node) -> Option<Typed> {
        let within = match within {
            Some(within) => Some(self.positive(within)?),
            None => None,
        };
        let typed = self.list_of(list)?;
        if let Type::List(of) = &typed.ty
            && !matches!(**of, Type::String | Type::Int | Type::Any)
        {
            let message = format!("{} is {}, not a list of products' ids", self.quoted(list), typed.ty);
            self.report_help("type", &list.at, message, "ids are of type string or int");
            return None;
        }
        let world = self.world;
        let mut bought = world.purchases.iter().filter_map(|purchase| self.bought(purchase)).peekable();
        if bought.peek().is_none() {
            let message = "the catalog does not say which products a purchase is of";
            let help = "declare it: `[purchases.\"Order Completed\"]` with `product = \"product_id\"`";
            self.report_help("unknown_name", &node.at, message, help);
            return None;
        }
        let bought: Vec<(Source, Function)> = bought.collect();
        let without = bought.into_iter().fold(typed.expr, |list, (source, function)| {
            let source = self.pool.source(source);
            let window = within.map(Bound::Within).into_iter().collect();
            let id = self.pool.aggregate(Aggregate { source, window, function });
            Expr::Without(Box::new(list), Box::new(Expr::Aggregate(id)))
        });
        Some(Typed::new(without, typed.ty))
    }

    /// The products that a purchase is of; mistakes in it are reported where it is declared.
    fn bought(&self, Named { name, body }: &Named<PurchaseDeclaration>) -> Option<(Source, Function)> {
        let event = self.world.event(&name.value)?;
        let product = body.product.as_ref()?;
        let (whole, items) = match &body.list {
            Some(list) => (list, Items::Elements(Some(product.value.as_str().into()))),
            None => (product, Items::Whole),
        };
        let (property, _) = self.property(event, &whole.value)?;
        let most = u32::try_from(MAX_LISTED_VALUES).ok()?;
        Some((Source { event: Some(event), filter: None }, Function::Values { property, items, most }))
    }

    /// Something that is a list.
    fn list_of(&mut self, node: &Node) -> Option<Typed> {
        let typed = self.expression(node)?;
        if matches!(typed.ty, Type::List(_) | Type::Any) {
            self.must_stand_still(node, &typed)?;
            return Some(typed);
        }
        let message = format!("{} is no list", self.described(node, &typed));
        self.report_help(
            "type",
            &node.at,
            message,
            "such as an attribute of type list, or `.values(product_id, 100)`",
        );
        None
    }
}
