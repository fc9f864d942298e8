"""The 79 columns of a house: their names in the API, the model and the published data, their groups and values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAliasType, get_args

from housing_price_survey import vocabulary
from housing_price_survey.labels import LABELS, MONTHS, RATINGS, Labels
from housing_price_survey.titles import TITLES
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

type Unit = Literal["square feet", "feet", "USD", "1", "grade, 1 to 10", "year", "month of the year"]
"""The unit of a number; `1` for a count."""


@dataclass(frozen=True, slots=True)
class Number:
    """The values of a numeric column: their unit, and a label for each value of a small range."""

    unit: Unit
    labels: Labels = field(default_factory=dict, hash=False)


SQUARE_FEET: Final = Number("square feet")
FEET: Final = Number("feet")
DOLLARS: Final = Number("USD")
COUNT: Final = Number("1")
YEAR: Final = Number("year")
RATING: Final = Number("grade, 1 to 10", RATINGS)
MONTH: Final = Number("month of the year", MONTHS)

UNKNOWN: Final = ""
"""The label of a blank value to which the documentation of the survey gives no meaning."""
NO_BASEMENT: Final = "No basement"
NO_GARAGE: Final = "No garage"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the survey."""

    key: str
    """Key in the API's JSON documents."""
    name: str
    """Name in the model's input and in the project's CSV files."""
    spaced_name: str
    """Name in the data that De Cock published."""
    group: FeatureGroup
    """Group of features that describe the same part of a house or sale."""
    values: TypeAliasType | Number
    """The words of a categorical column, as a `Literal` type, or the unit of a number."""
    blank: str | None = None
    """Label of a blank value, or `UNKNOWN`; None if a house needs a value. A column may be blank if it is in the data
    itself or in other extracts of the same survey."""

    @property
    def title(self) -> str:
        """Short title for people."""
        return TITLES[self.key]

    @property
    def words(self) -> TypeAliasType | None:
        """The words of a categorical column; None for a number."""
        return None if isinstance(self.values, Number) else self.values

    @property
    def unit(self) -> Unit | None:
        """The unit of a number; None for words."""
        return self.values.unit if isinstance(self.values, Number) else None

    @property
    def labels(self) -> Labels:
        """A label for each value, in the order in which they are shown; empty for a number of a large range."""
        return self.values.labels if isinstance(self.values, Number) else LABELS[self.values]

    @property
    def may_be_blank(self) -> bool:
        """Whether a house may have no value."""
        return self.blank is not None


SURVEY_COLUMNS: Final = (
    Column("msSubClass", "MSSubClass", "MS SubClass", "style", vocabulary.MsSubClass),
    Column("msZoning", "MSZoning", "MS Zoning", "location", vocabulary.MsZoning, blank=UNKNOWN),
    Column("lotFrontage", "LotFrontage", "Lot Frontage", "lot", FEET, blank=UNKNOWN),
    Column("lotArea", "LotArea", "Lot Area", "lot", SQUARE_FEET),
    Column("street", "Street", "Street", "lot", vocabulary.Street),
    Column("alley", "Alley", "Alley", "lot", vocabulary.Alley, blank="No alley access"),
    Column("lotShape", "LotShape", "Lot Shape", "lot", vocabulary.LotShape),
    Column("landContour", "LandContour", "Land Contour", "lot", vocabulary.LandContour),
    Column("utilities", "Utilities", "Utilities", "lot", vocabulary.Utilities, blank=UNKNOWN),
    Column("lotConfig", "LotConfig", "Lot Config", "lot", vocabulary.LotConfig),
    Column("landSlope", "LandSlope", "Land Slope", "lot", vocabulary.LandSlope),
    Column("neighborhood", "Neighborhood", "Neighborhood", "location", vocabulary.Neighborhood),
    Column("condition1", "Condition1", "Condition 1", "location", vocabulary.Condition1),
    Column("condition2", "Condition2", "Condition 2", "location", vocabulary.Condition2),
    Column("bldgType", "BldgType", "Bldg Type", "style", vocabulary.BldgType),
    Column("houseStyle", "HouseStyle", "House Style", "style", vocabulary.HouseStyle),
    Column("overallQual", "OverallQual", "Overall Qual", "quality", RATING),
    Column("overallCond", "OverallCond", "Overall Cond", "quality", RATING),
    Column("yearBuilt", "YearBuilt", "Year Built", "age", YEAR),
    Column("yearRemodAdd", "YearRemodAdd", "Year Remod/Add", "age", YEAR),
    Column("roofStyle", "RoofStyle", "Roof Style", "style", vocabulary.RoofStyle),
    Column("roofMatl", "RoofMatl", "Roof Matl", "style", vocabulary.RoofMatl),
    Column("exterior1St", "Exterior1st", "Exterior 1st", "style", vocabulary.Exterior1st, blank=UNKNOWN),
    Column("exterior2Nd", "Exterior2nd", "Exterior 2nd", "style", vocabulary.Exterior2nd, blank=UNKNOWN),
    Column("masVnrType", "MasVnrType", "Mas Vnr Type", "style", vocabulary.MasVnrType, blank=UNKNOWN),
    Column("masVnrArea", "MasVnrArea", "Mas Vnr Area", "style", SQUARE_FEET, blank=UNKNOWN),
    Column("exterQual", "ExterQual", "Exter Qual", "quality", vocabulary.BuiltGrade),
    Column("exterCond", "ExterCond", "Exter Cond", "quality", vocabulary.Grade),
    Column("foundation", "Foundation", "Foundation", "basement", vocabulary.Foundation),
    Column("bsmtQual", "BsmtQual", "Bsmt Qual", "basement", vocabulary.Grade, blank=NO_BASEMENT),
    Column("bsmtCond", "BsmtCond", "Bsmt Cond", "basement", vocabulary.Grade, blank=NO_BASEMENT),
    Column("bsmtExposure", "BsmtExposure", "Bsmt Exposure", "basement", vocabulary.BsmtExposure, blank=NO_BASEMENT),
    Column("bsmtFinType1", "BsmtFinType1", "BsmtFin Type 1", "basement", vocabulary.BsmtFinType, blank=NO_BASEMENT),
    Column("bsmtFinSf1", "BsmtFinSF1", "BsmtFin SF 1", "basement", SQUARE_FEET, blank=UNKNOWN),
    Column("bsmtFinType2", "BsmtFinType2", "BsmtFin Type 2", "basement", vocabulary.BsmtFinType, blank=NO_BASEMENT),
    Column("bsmtFinSf2", "BsmtFinSF2", "BsmtFin SF 2", "basement", SQUARE_FEET, blank=UNKNOWN),
    Column("bsmtUnfSf", "BsmtUnfSF", "Bsmt Unf SF", "basement", SQUARE_FEET, blank=UNKNOWN),
    Column("totalBsmtSf", "TotalBsmtSF", "Total Bsmt SF", "basement", SQUARE_FEET, blank=UNKNOWN),
    Column("heating", "Heating", "Heating", "quality", vocabulary.Heating),
    Column("heatingQc", "HeatingQC", "Heating QC", "quality", vocabulary.Grade),
    Column("centralAir", "CentralAir", "Central Air", "quality", vocabulary.YesNo),
    Column("electrical", "Electrical", "Electrical", "quality", vocabulary.Electrical, blank=UNKNOWN),
    Column("firstFlrSf", "1stFlrSF", "1st Flr SF", "size", SQUARE_FEET),
    Column("secondFlrSf", "2ndFlrSF", "2nd Flr SF", "size", SQUARE_FEET),
    Column("lowQualFinSf", "LowQualFinSF", "Low Qual Fin SF", "size", SQUARE_FEET),
    Column("grLivArea", "GrLivArea", "Gr Liv Area", "size", SQUARE_FEET),
    Column("bsmtFullBath", "BsmtFullBath", "Bsmt Full Bath", "basement", COUNT, blank=UNKNOWN),
    Column("bsmtHalfBath", "BsmtHalfBath", "Bsmt Half Bath", "basement", COUNT, blank=UNKNOWN),
    Column("fullBath", "FullBath", "Full Bath", "kitchenAndBaths", COUNT),
    Column("halfBath", "HalfBath", "Half Bath", "kitchenAndBaths", COUNT),
    Column("bedroomAbvGr", "BedroomAbvGr", "Bedroom AbvGr", "size", COUNT),
    Column("kitchenAbvGr", "KitchenAbvGr", "Kitchen AbvGr", "kitchenAndBaths", COUNT),
    Column("kitchenQual", "KitchenQual", "Kitchen Qual", "kitchenAndBaths", vocabulary.Grade, blank=UNKNOWN),
    Column("totRmsAbvGrd", "TotRmsAbvGrd", "TotRms AbvGrd", "size", COUNT),
    Column("functional", "Functional", "Functional", "quality", vocabulary.Functional, blank=UNKNOWN),
    Column("fireplaces", "Fireplaces", "Fireplaces", "quality", COUNT),
    Column("fireplaceQu", "FireplaceQu", "Fireplace Qu", "quality", vocabulary.Grade, blank="No fireplace"),
    Column("garageType", "GarageType", "Garage Type", "garage", vocabulary.GarageType, blank=NO_GARAGE),
    Column("garageYrBlt", "GarageYrBlt", "Garage Yr Blt", "garage", YEAR, blank=NO_GARAGE),
    Column("garageFinish", "GarageFinish", "Garage Finish", "garage", vocabulary.GarageFinish, blank=NO_GARAGE),
    Column("garageCars", "GarageCars", "Garage Cars", "garage", COUNT, blank=UNKNOWN),
    Column("garageArea", "GarageArea", "Garage Area", "garage", SQUARE_FEET, blank=UNKNOWN),
    Column("garageQual", "GarageQual", "Garage Qual", "garage", vocabulary.Grade, blank=NO_GARAGE),
    Column("garageCond", "GarageCond", "Garage Cond", "garage", vocabulary.Grade, blank=NO_GARAGE),
    Column("pavedDrive", "PavedDrive", "Paved Drive", "garage", vocabulary.PavedDrive),
    Column("woodDeckSf", "WoodDeckSF", "Wood Deck SF", "outside", SQUARE_FEET),
    Column("openPorchSf", "OpenPorchSF", "Open Porch SF", "outside", SQUARE_FEET),
    Column("enclosedPorch", "EnclosedPorch", "Enclosed Porch", "outside", SQUARE_FEET),
    Column("threeSsnPorch", "3SsnPorch", "3Ssn Porch", "outside", SQUARE_FEET),
    Column("screenPorch", "ScreenPorch", "Screen Porch", "outside", SQUARE_FEET),
    Column("poolArea", "PoolArea", "Pool Area", "outside", SQUARE_FEET),
    Column("poolQc", "PoolQC", "Pool QC", "outside", vocabulary.BuiltGrade, blank="No pool"),
    Column("fence", "Fence", "Fence", "outside", vocabulary.Fence, blank="No fence"),
    Column("miscFeature", "MiscFeature", "Misc Feature", "outside", vocabulary.MiscFeature, blank="No other feature"),
    Column("miscVal", "MiscVal", "Misc Val", "outside", DOLLARS),
    Column("moSold", "MoSold", "Mo Sold", "termsOfSale", MONTH),
    Column("yrSold", "YrSold", "Yr Sold", "termsOfSale", YEAR),
    Column("saleType", "SaleType", "Sale Type", "termsOfSale", vocabulary.SaleType, blank=UNKNOWN),
    Column("saleCondition", "SaleCondition", "Sale Condition", "termsOfSale", vocabulary.SaleCondition),
)
"""The columns in the order of the data, which is the order of the model's input."""

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
