"""The words of each categorical column, as one named type per set of words.

Source: the Ames survey and Dean De Cock's documentation of it (Journal of Statistics Education 19(3), 2011). Words are
spelled as in the survey. Documented words that no house of the survey has are left out: the model has no evidence of
their value, so API and model refuse them by name. Data is validated against this vocabulary; nothing in it is learned
from training data. Blank always means null: the documentation's "NA" (no alley, no basement, ...) is not a word.
`None` in `MasVnrType` is a word (no veneer).

The words of a type are in alphabetical order, which is their order in the API's document. `FITTED_ORDER` has the order
in which models are fitted, where that is another. `labels.py` beside this module has a label for people for each word.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAliasType, get_args

type MsSubClass = Literal[20, 30, 40, 45, 50, 60, 70, 75, 80, 85, 90, 120, 150, 160, 180, 190]
"""The type of dwelling in the sale, by the survey's code."""

type MsZoning = Literal["A (agr)", "C (all)", "FV", "I (all)", "RH", "RL", "RM"]
"""The zoning of the lot."""

type Street = Literal["Grvl", "Pave"]
"""The type of road access to the property."""

type Alley = Literal["Grvl", "Pave"]
"""The type of alley access to the property."""

type LotShape = Literal["IR1", "IR2", "IR3", "Reg"]
"""The shape of the lot, from regular to very irregular."""

type LandContour = Literal["Bnk", "HLS", "Low", "Lvl"]
"""The flatness of the lot."""

type Utilities = Literal["AllPub", "NoSeWa", "NoSewr"]
"""The utilities available."""

type LotConfig = Literal["Corner", "CulDSac", "FR2", "FR3", "Inside"]
"""The position of the lot relative to the street and its neighbours."""

type LandSlope = Literal["Gtl", "Mod", "Sev"]
"""The slope of the lot."""

type Neighborhood = Literal[
    "Blmngtn",
    "Blueste",
    "BrDale",
    "BrkSide",
    "ClearCr",
    "CollgCr",
    "Crawfor",
    "Edwards",
    "Gilbert",
    "Greens",
    "GrnHill",
    "IDOTRR",
    "Landmrk",
    "MeadowV",
    "Mitchel",
    "NAmes",
    "NPkVill",
    "NWAmes",
    "NoRidge",
    "NridgHt",
    "OldTown",
    "SWISU",
    "Sawyer",
    "SawyerW",
    "Somerst",
    "StoneBr",
    "Timber",
    "Veenker",
]
"""A neighborhood within the city limits of Ames."""

type Condition1 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNe", "RRNn"]
"""The nearest main road, railroad or amenity."""

type Condition2 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNn"]
"""A second nearby road, railroad or amenity."""

type BldgType = Literal["1Fam", "2fmCon", "Duplex", "Twnhs", "TwnhsE"]
"""The type of dwelling."""

type HouseStyle = Literal["1.5Fin", "1.5Unf", "1Story", "2.5Fin", "2.5Unf", "2Story", "SFoyer", "SLvl"]
"""The style of dwelling, by its storeys."""

type RoofStyle = Literal["Flat", "Gable", "Gambrel", "Hip", "Mansard", "Shed"]
"""The type of roof."""

type RoofMatl = Literal["ClyTile", "CompShg", "Membran", "Metal", "Roll", "Tar&Grv", "WdShake", "WdShngl"]
"""The material of the roof."""

type Exterior1st = Literal[
    "AsbShng",
    "AsphShn",
    "BrkComm",
    "BrkFace",
    "CBlock",
    "CemntBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "WdShing",
]
"""The main exterior covering."""

type Exterior2nd = Literal[
    "AsbShng",
    "AsphShn",
    "Brk Cmn",
    "BrkFace",
    "CBlock",
    "CmentBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Other",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "Wd Shng",
]
"""The second exterior covering. The survey spells three of these differently from the first."""

type MasVnrType = Literal["BrkCmn", "BrkFace", "CBlock", "None", "Stone"]
"""The type of masonry veneer; the value `None` means that the house has none."""

type BuiltGrade = Literal["Ex", "Fa", "Gd", "TA"]
"""A grade without `Po` (poor), which no house of the survey has: excellent, fair, good or typical."""

type Grade = Literal["Ex", "Fa", "Gd", "Po", "TA"]
"""A grade: excellent, fair, good, poor or typical."""

type Foundation = Literal["BrkTil", "CBlock", "PConc", "Slab", "Stone", "Wood"]
"""The type of foundation."""

type BsmtExposure = Literal["Av", "Gd", "Mn", "No"]
"""The exposure of walkout or garden-level basement walls."""

type BsmtFinType = Literal["ALQ", "BLQ", "GLQ", "LwQ", "Rec", "Unf"]
"""The quality of a finished basement area."""

type Heating = Literal["Floor", "GasA", "GasW", "Grav", "OthW", "Wall"]
"""The type of heating."""

type YesNo = Literal["N", "Y"]
"""Yes or no."""

type Electrical = Literal["FuseA", "FuseF", "FuseP", "Mix", "SBrkr"]
"""The electrical system."""

type Functional = Literal["Maj1", "Maj2", "Min1", "Min2", "Mod", "Sal", "Sev", "Typ"]
"""The functionality of the home; anything but `Typ` lowers the value."""

type GarageType = Literal["2Types", "Attchd", "Basment", "BuiltIn", "CarPort", "Detchd"]
"""The location of the garage."""

type GarageFinish = Literal["Fin", "RFn", "Unf"]
"""The interior finish of the garage."""

type PavedDrive = Literal["N", "P", "Y"]
"""Whether the driveway is paved: no, partly or yes."""

type Fence = Literal["GdPrv", "GdWo", "MnPrv", "MnWw"]
"""The quality of the fence."""

type MiscFeature = Literal["Elev", "Gar2", "Othr", "Shed", "TenC"]
"""A feature not covered by other fields."""

type SaleType = Literal["COD", "CWD", "Con", "ConLD", "ConLI", "ConLw", "New", "Oth", "VWD", "WD"]
"""The type of sale."""

type SaleCondition = Literal["Abnorml", "AdjLand", "Alloca", "Family", "Normal", "Partial"]
"""The condition of the sale."""

FITTED_ORDER: Final[Mapping[TypeAliasType, tuple[str, ...]]] = MappingProxyType(
    {
        # From worst to best, or from least to most: an encoder may use the position as rank.
        LotShape: ("IR3", "IR2", "IR1", "Reg"),
        Utilities: ("NoSeWa", "NoSewr", "AllPub"),
        LandSlope: ("Sev", "Mod", "Gtl"),
        BuiltGrade: ("Fa", "TA", "Gd", "Ex"),
        Grade: ("Po", "Fa", "TA", "Gd", "Ex"),
        BsmtExposure: ("No", "Mn", "Av", "Gd"),
        BsmtFinType: ("Unf", "LwQ", "Rec", "BLQ", "ALQ", "GLQ"),
        Electrical: ("Mix", "FuseP", "FuseF", "FuseA", "SBrkr"),
        Functional: ("Sal", "Sev", "Maj2", "Maj1", "Mod", "Min2", "Min1", "Typ"),
        GarageFinish: ("Unf", "RFn", "Fin"),
        Fence: ("MnWw", "GdWo", "MnPrv", "GdPrv"),
        # Unranked. Another order would change the identity of models trained on equal data.
        Condition1: ("Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNn", "RRNe"),
        Exterior2nd: (*(word for word in get_args(Exterior2nd.__value__) if word != "Other"), "Other"),
    }
)
"""The words of a type in the order in which models are fitted; a type that is not listed keeps its own order."""


def words_of(words: TypeAliasType) -> tuple[Any, ...]:
    """Return the words of a type, in alphabetical order."""
    return get_args(words.__value__)


def fitted_words_of(words: TypeAliasType) -> tuple[Any, ...]:
    """Return the words of a type in the order in which models are fitted."""
    return FITTED_ORDER.get(words, words_of(words))
