"""The 79 columns of a house: their names in the API, in the model's data and in the published data."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAliasType

from housing_price_survey import vocabulary
from housing_price_survey.vocabulary import fitted_words_of, words_of


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the survey.

    Attributes:
        key: Key in the API's JSON documents.
        name: Name in the model's input and in the project's CSV files.
        spaced_name: Name in the data that De Cock published.
        words: The words of a categorical column, as a `Literal` type; None for a number.
        may_be_blank: Whether a house may have no value; other columns are required. A column may be blank if it is in
            the data itself or in other extracts of the same survey.
    """

    key: str
    name: str
    spaced_name: str
    words: TypeAliasType | None = None
    may_be_blank: bool = False


SURVEY_COLUMNS: Final = (
    Column("msSubClass", "MSSubClass", "MS SubClass", vocabulary.MsSubClass),
    Column("msZoning", "MSZoning", "MS Zoning", vocabulary.MsZoning, may_be_blank=True),
    Column("lotFrontage", "LotFrontage", "Lot Frontage", may_be_blank=True),
    Column("lotArea", "LotArea", "Lot Area"),
    Column("street", "Street", "Street", vocabulary.Street),
    Column("alley", "Alley", "Alley", vocabulary.Alley, may_be_blank=True),
    Column("lotShape", "LotShape", "Lot Shape", vocabulary.LotShape),
    Column("landContour", "LandContour", "Land Contour", vocabulary.LandContour),
    Column("utilities", "Utilities", "Utilities", vocabulary.Utilities, may_be_blank=True),
    Column("lotConfig", "LotConfig", "Lot Config", vocabulary.LotConfig),
    Column("landSlope", "LandSlope", "Land Slope", vocabulary.LandSlope),
    Column("neighborhood", "Neighborhood", "Neighborhood", vocabulary.Neighborhood),
    Column("condition1", "Condition1", "Condition 1", vocabulary.Condition1),
    Column("condition2", "Condition2", "Condition 2", vocabulary.Condition2),
    Column("bldgType", "BldgType", "Bldg Type", vocabulary.BldgType),
    Column("houseStyle", "HouseStyle", "House Style", vocabulary.HouseStyle),
    Column("overallQual", "OverallQual", "Overall Qual"),
    Column("overallCond", "OverallCond", "Overall Cond"),
    Column("yearBuilt", "YearBuilt", "Year Built"),
    Column("yearRemodAdd", "YearRemodAdd", "Year Remod/Add"),
    Column("roofStyle", "RoofStyle", "Roof Style", vocabulary.RoofStyle),
    Column("roofMatl", "RoofMatl", "Roof Matl", vocabulary.RoofMatl),
    Column("exterior1St", "Exterior1st", "Exterior 1st", vocabulary.Exterior1st, may_be_blank=True),
    Column("exterior2Nd", "Exterior2nd", "Exterior 2nd", vocabulary.Exterior2nd, may_be_blank=True),
    Column("masVnrType", "MasVnrType", "Mas Vnr Type", vocabulary.MasVnrType, may_be_blank=True),
    Column("masVnrArea", "MasVnrArea", "Mas Vnr Area", may_be_blank=True),
    Column("exterQual", "ExterQual", "Exter Qual", vocabulary.BuiltGrade),
    Column("exterCond", "ExterCond", "Exter Cond", vocabulary.Grade),
    Column("foundation", "Foundation", "Foundation", vocabulary.Foundation),
    Column("bsmtQual", "BsmtQual", "Bsmt Qual", vocabulary.Grade, may_be_blank=True),
    Column("bsmtCond", "BsmtCond", "Bsmt Cond", vocabulary.Grade, may_be_blank=True),
    Column("bsmtExposure", "BsmtExposure", "Bsmt Exposure", vocabulary.BsmtExposure, may_be_blank=True),
    Column("bsmtFinType1", "BsmtFinType1", "BsmtFin Type 1", vocabulary.BsmtFinType, may_be_blank=True),
    Column("bsmtFinSf1", "BsmtFinSF1", "BsmtFin SF 1", may_be_blank=True),
    Column("bsmtFinType2", "BsmtFinType2", "BsmtFin Type 2", vocabulary.BsmtFinType, may_be_blank=True),
    Column("bsmtFinSf2", "BsmtFinSF2", "BsmtFin SF 2", may_be_blank=True),
    Column("bsmtUnfSf", "BsmtUnfSF", "Bsmt Unf SF", may_be_blank=True),
    Column("totalBsmtSf", "TotalBsmtSF", "Total Bsmt SF", may_be_blank=True),
    Column("heating", "Heating", "Heating", vocabulary.Heating),
    Column("heatingQc", "HeatingQC", "Heating QC", vocabulary.Grade),
    Column("centralAir", "CentralAir", "Central Air", vocabulary.YesNo),
    Column("electrical", "Electrical", "Electrical", vocabulary.Electrical, may_be_blank=True),
    Column("firstFlrSf", "1stFlrSF", "1st Flr SF"),
    Column("secondFlrSf", "2ndFlrSF", "2nd Flr SF"),
    Column("lowQualFinSf", "LowQualFinSF", "Low Qual Fin SF"),
    Column("grLivArea", "GrLivArea", "Gr Liv Area"),
    Column("bsmtFullBath", "BsmtFullBath", "Bsmt Full Bath", may_be_blank=True),
    Column("bsmtHalfBath", "BsmtHalfBath", "Bsmt Half Bath", may_be_blank=True),
    Column("fullBath", "FullBath", "Full Bath"),
    Column("halfBath", "HalfBath", "Half Bath"),
    Column("bedroomAbvGr", "BedroomAbvGr", "Bedroom AbvGr"),
    Column("kitchenAbvGr", "KitchenAbvGr", "Kitchen AbvGr"),
    Column("kitchenQual", "KitchenQual", "Kitchen Qual", vocabulary.Grade, may_be_blank=True),
    Column("totRmsAbvGrd", "TotRmsAbvGrd", "TotRms AbvGrd"),
    Column("functional", "Functional", "Functional", vocabulary.Functional, may_be_blank=True),
    Column("fireplaces", "Fireplaces", "Fireplaces"),
    Column("fireplaceQu", "FireplaceQu", "Fireplace Qu", vocabulary.Grade, may_be_blank=True),
    Column("garageType", "GarageType", "Garage Type", vocabulary.GarageType, may_be_blank=True),
    Column("garageYrBlt", "GarageYrBlt", "Garage Yr Blt", may_be_blank=True),
    Column("garageFinish", "GarageFinish", "Garage Finish", vocabulary.GarageFinish, may_be_blank=True),
    Column("garageCars", "GarageCars", "Garage Cars", may_be_blank=True),
    Column("garageArea", "GarageArea", "Garage Area", may_be_blank=True),
    Column("garageQual", "GarageQual", "Garage Qual", vocabulary.Grade, may_be_blank=True),
    Column("garageCond", "GarageCond", "Garage Cond", vocabulary.Grade, may_be_blank=True),
    Column("pavedDrive", "PavedDrive", "Paved Drive", vocabulary.PavedDrive),
    Column("woodDeckSf", "WoodDeckSF", "Wood Deck SF"),
    Column("openPorchSf", "OpenPorchSF", "Open Porch SF"),
    Column("enclosedPorch", "EnclosedPorch", "Enclosed Porch"),
    Column("threeSsnPorch", "3SsnPorch", "3Ssn Porch"),
    Column("screenPorch", "ScreenPorch", "Screen Porch"),
    Column("poolArea", "PoolArea", "Pool Area"),
    Column("poolQc", "PoolQC", "Pool QC", vocabulary.BuiltGrade, may_be_blank=True),
    Column("fence", "Fence", "Fence", vocabulary.Fence, may_be_blank=True),
    Column("miscFeature", "MiscFeature", "Misc Feature", vocabulary.MiscFeature, may_be_blank=True),
    Column("miscVal", "MiscVal", "Misc Val"),
    Column("moSold", "MoSold", "Mo Sold"),
    Column("yrSold", "YrSold", "Yr Sold"),
    Column("saleType", "SaleType", "Sale Type", vocabulary.SaleType, may_be_blank=True),
    Column("saleCondition", "SaleCondition", "Sale Condition", vocabulary.SaleCondition),
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
