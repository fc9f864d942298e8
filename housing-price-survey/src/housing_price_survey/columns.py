"""The 79 columns of a house: their names in the API, the model and the published data, and their groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAliasType, get_args

from housing_price_survey import vocabulary
from housing_price_survey.vocabulary import fitted_words_of, words_of

type FeatureGroup = Literal[
    "size",
    "quality",
    "age",
    "location",
    "lot",
    "basement",
    "garage",
    "kitchenAndBaths",
    "outside",
    "style",
    "termsOfSale",
]
"""A group of features; each of the 79 features belongs to one.

Features that only make sense together share a group, such as the area and the quality of a basement: a house whose
group is replaced by that of another house stays plausible within the group. Heating, electrical system and fireplaces
belong to `quality`, foundation and baths of the basement to `basement`, the drive to `garage`, roof and walls to
`style`.
"""

FEATURE_GROUPS: Final[tuple[FeatureGroup, ...]] = get_args(FeatureGroup.__value__)
"""The groups of features, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the survey.

    Attributes:
        key: Key in the API's JSON documents.
        name: Name in the model's input and in the project's CSV files.
        spaced_name: Name in the data that De Cock published.
        group: Group of features that describe the same part of a house or sale.
        words: The words of a categorical column, as a `Literal` type; None for a number.
        may_be_blank: Whether a house may have no value; other columns are required. A column may be blank if it is in
            the data itself or in other extracts of the same survey.
    """

    key: str
    name: str
    spaced_name: str
    group: FeatureGroup
    words: TypeAliasType | None = None
    may_be_blank: bool = False


SURVEY_COLUMNS: Final = (
    Column("msSubClass", "MSSubClass", "MS SubClass", "style", vocabulary.MsSubClass),
    Column("msZoning", "MSZoning", "MS Zoning", "location", vocabulary.MsZoning, may_be_blank=True),
    Column("lotFrontage", "LotFrontage", "Lot Frontage", "lot", may_be_blank=True),
    Column("lotArea", "LotArea", "Lot Area", "lot"),
    Column("street", "Street", "Street", "lot", vocabulary.Street),
    Column("alley", "Alley", "Alley", "lot", vocabulary.Alley, may_be_blank=True),
    Column("lotShape", "LotShape", "Lot Shape", "lot", vocabulary.LotShape),
    Column("landContour", "LandContour", "Land Contour", "lot", vocabulary.LandContour),
    Column("utilities", "Utilities", "Utilities", "lot", vocabulary.Utilities, may_be_blank=True),
    Column("lotConfig", "LotConfig", "Lot Config", "lot", vocabulary.LotConfig),
    Column("landSlope", "LandSlope", "Land Slope", "lot", vocabulary.LandSlope),
    Column("neighborhood", "Neighborhood", "Neighborhood", "location", vocabulary.Neighborhood),
    Column("condition1", "Condition1", "Condition 1", "location", vocabulary.Condition1),
    Column("condition2", "Condition2", "Condition 2", "location", vocabulary.Condition2),
    Column("bldgType", "BldgType", "Bldg Type", "style", vocabulary.BldgType),
    Column("houseStyle", "HouseStyle", "House Style", "style", vocabulary.HouseStyle),
    Column("overallQual", "OverallQual", "Overall Qual", "quality"),
    Column("overallCond", "OverallCond", "Overall Cond", "quality"),
    Column("yearBuilt", "YearBuilt", "Year Built", "age"),
    Column("yearRemodAdd", "YearRemodAdd", "Year Remod/Add", "age"),
    Column("roofStyle", "RoofStyle", "Roof Style", "style", vocabulary.RoofStyle),
    Column("roofMatl", "RoofMatl", "Roof Matl", "style", vocabulary.RoofMatl),
    Column("exterior1St", "Exterior1st", "Exterior 1st", "style", vocabulary.Exterior1st, may_be_blank=True),
    Column("exterior2Nd", "Exterior2nd", "Exterior 2nd", "style", vocabulary.Exterior2nd, may_be_blank=True),
    Column("masVnrType", "MasVnrType", "Mas Vnr Type", "style", vocabulary.MasVnrType, may_be_blank=True),
    Column("masVnrArea", "MasVnrArea", "Mas Vnr Area", "style", may_be_blank=True),
    Column("exterQual", "ExterQual", "Exter Qual", "quality", vocabulary.BuiltGrade),
    Column("exterCond", "ExterCond", "Exter Cond", "quality", vocabulary.Grade),
    Column("foundation", "Foundation", "Foundation", "basement", vocabulary.Foundation),
    Column("bsmtQual", "BsmtQual", "Bsmt Qual", "basement", vocabulary.Grade, may_be_blank=True),
    Column("bsmtCond", "BsmtCond", "Bsmt Cond", "basement", vocabulary.Grade, may_be_blank=True),
    Column("bsmtExposure", "BsmtExposure", "Bsmt Exposure", "basement", vocabulary.BsmtExposure, may_be_blank=True),
    Column("bsmtFinType1", "BsmtFinType1", "BsmtFin Type 1", "basement", vocabulary.BsmtFinType, may_be_blank=True),
    Column("bsmtFinSf1", "BsmtFinSF1", "BsmtFin SF 1", "basement", may_be_blank=True),
    Column("bsmtFinType2", "BsmtFinType2", "BsmtFin Type 2", "basement", vocabulary.BsmtFinType, may_be_blank=True),
    Column("bsmtFinSf2", "BsmtFinSF2", "BsmtFin SF 2", "basement", may_be_blank=True),
    Column("bsmtUnfSf", "BsmtUnfSF", "Bsmt Unf SF", "basement", may_be_blank=True),
    Column("totalBsmtSf", "TotalBsmtSF", "Total Bsmt SF", "basement", may_be_blank=True),
    Column("heating", "Heating", "Heating", "quality", vocabulary.Heating),
    Column("heatingQc", "HeatingQC", "Heating QC", "quality", vocabulary.Grade),
    Column("centralAir", "CentralAir", "Central Air", "quality", vocabulary.YesNo),
    Column("electrical", "Electrical", "Electrical", "quality", vocabulary.Electrical, may_be_blank=True),
    Column("firstFlrSf", "1stFlrSF", "1st Flr SF", "size"),
    Column("secondFlrSf", "2ndFlrSF", "2nd Flr SF", "size"),
    Column("lowQualFinSf", "LowQualFinSF", "Low Qual Fin SF", "size"),
    Column("grLivArea", "GrLivArea", "Gr Liv Area", "size"),
    Column("bsmtFullBath", "BsmtFullBath", "Bsmt Full Bath", "basement", may_be_blank=True),
    Column("bsmtHalfBath", "BsmtHalfBath", "Bsmt Half Bath", "basement", may_be_blank=True),
    Column("fullBath", "FullBath", "Full Bath", "kitchenAndBaths"),
    Column("halfBath", "HalfBath", "Half Bath", "kitchenAndBaths"),
    Column("bedroomAbvGr", "BedroomAbvGr", "Bedroom AbvGr", "size"),
    Column("kitchenAbvGr", "KitchenAbvGr", "Kitchen AbvGr", "kitchenAndBaths"),
    Column("kitchenQual", "KitchenQual", "Kitchen Qual", "kitchenAndBaths", vocabulary.Grade, may_be_blank=True),
    Column("totRmsAbvGrd", "TotRmsAbvGrd", "TotRms AbvGrd", "size"),
    Column("functional", "Functional", "Functional", "quality", vocabulary.Functional, may_be_blank=True),
    Column("fireplaces", "Fireplaces", "Fireplaces", "quality"),
    Column("fireplaceQu", "FireplaceQu", "Fireplace Qu", "quality", vocabulary.Grade, may_be_blank=True),
    Column("garageType", "GarageType", "Garage Type", "garage", vocabulary.GarageType, may_be_blank=True),
    Column("garageYrBlt", "GarageYrBlt", "Garage Yr Blt", "garage", may_be_blank=True),
    Column("garageFinish", "GarageFinish", "Garage Finish", "garage", vocabulary.GarageFinish, may_be_blank=True),
    Column("garageCars", "GarageCars", "Garage Cars", "garage", may_be_blank=True),
    Column("garageArea", "GarageArea", "Garage Area", "garage", may_be_blank=True),
    Column("garageQual", "GarageQual", "Garage Qual", "garage", vocabulary.Grade, may_be_blank=True),
    Column("garageCond", "GarageCond", "Garage Cond", "garage", vocabulary.Grade, may_be_blank=True),
    Column("pavedDrive", "PavedDrive", "Paved Drive", "garage", vocabulary.PavedDrive),
    Column("woodDeckSf", "WoodDeckSF", "Wood Deck SF", "outside"),
    Column("openPorchSf", "OpenPorchSF", "Open Porch SF", "outside"),
    Column("enclosedPorch", "EnclosedPorch", "Enclosed Porch", "outside"),
    Column("threeSsnPorch", "3SsnPorch", "3Ssn Porch", "outside"),
    Column("screenPorch", "ScreenPorch", "Screen Porch", "outside"),
    Column("poolArea", "PoolArea", "Pool Area", "outside"),
    Column("poolQc", "PoolQC", "Pool QC", "outside", vocabulary.BuiltGrade, may_be_blank=True),
    Column("fence", "Fence", "Fence", "outside", vocabulary.Fence, may_be_blank=True),
    Column("miscFeature", "MiscFeature", "Misc Feature", "outside", vocabulary.MiscFeature, may_be_blank=True),
    Column("miscVal", "MiscVal", "Misc Val", "outside"),
    Column("moSold", "MoSold", "Mo Sold", "termsOfSale"),
    Column("yrSold", "YrSold", "Yr Sold", "termsOfSale"),
    Column("saleType", "SaleType", "Sale Type", "termsOfSale", vocabulary.SaleType, may_be_blank=True),
    Column("saleCondition", "SaleCondition", "Sale Condition", "termsOfSale", vocabulary.SaleCondition),
)
"""The columns in the order of the data, which is the order of the model's input.

Areas are in square feet, lengths in feet, `MiscVal` in US dollars.
"""

COLUMNS: Final = tuple(column.name for column in SURVEY_COLUMNS)
"""The names of the 79 columns, in the order of the data."""

CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        column.name: fitted_words_of(column.words)
        for column in SURVEY_COLUMNS
        if column.words is not None and column.words is not vocabulary.MsSubClass
    }
)
"""The words of each text column, in the order in which models are fitted."""

SUBCLASSES: Final[tuple[int, ...]] = words_of(vocabulary.MsSubClass)
"""The codes of `MSSubClass`: numbers in the interface, categories in the model."""

NUMBERS: Final = tuple(name for name in COLUMNS if name not in CATEGORIES)
"""The names of the numeric columns, `MSSubClass` among them."""

OPTIONAL: Final = frozenset(column.name for column in SURVEY_COLUMNS if column.may_be_blank)
"""The names of the columns that may be blank; all others are required."""

TARGET: Final = "SalePrice"
"""The column of the sale price, in US dollars."""
